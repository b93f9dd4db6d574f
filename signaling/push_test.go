package signaling_test

import (
	"fmt"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// pushBook refuses endpoints by their names.
type pushBook map[string]signaling.PushSubscription

func (b pushBook) Key() string                { return "the key" }
func (b pushBook) Subscribed(jkt string) bool { return b[jkt].Endpoint != "" }
func (b pushBook) Subscribe(jkt string, s signaling.PushSubscription) error {
	switch s.Endpoint {
	case "https://bad":
		return fmt.Errorf("cannot use it: %w", signaling.ErrBadSubscription)
	case "https://elsewhere":
		return fmt.Errorf("cannot use it: %w", signaling.ErrPushService)
	}
	b[jkt] = s
	return nil
}
func (b pushBook) Unsubscribe(jkt string) error { delete(b, jkt); return nil }

func subscription(endpoint string) members {
	return members{"endpoint": endpoint, "expirationTime": nil, "keys": members{"p256dh": "BBBB", "auth": "AAAA"}}
}

// push sends one push and returns its answer.
func (r *rig) push(m members) message.Pushed {
	r.t.Helper()
	r.deliver(r.phone.Message(message.TypePush, "cHVzaC1yb29tLTAwMDAwMDAwMQ", m))
	answer := r.expect(message.TypePushed)[0]
	if answer.Ref == "" || answer.JWK == nil {
		r.t.Errorf("envelope %+v, want ref and key", answer.Envelope)
	}
	return answer.Body.(message.Pushed)
}

func TestPushSubscription(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		book := pushBook{}
		r.pushBook = book
		r.Close()
		r.Device = r.start(2)
		defer r.Close()
		jkt := r.phone.JKT()
		ask := r.push(members{})
		if ask.Key != "the key" || ask.Subscribed || ask.Error != "" || ask.Nonce == "" {
			t.Fatalf("pushed %+v", ask)
		}
		if got := r.push(members{"nonce": ask.Nonce, "subscription": subscription("https://push.example/a")}); !got.Subscribed || got.Error != "" {
			t.Errorf("pushed %+v", got)
		}
		if book[jkt].Endpoint != "https://push.example/a" || book[jkt].Keys.P256DH != "BBBB" || book[jkt].Keys.Auth != "AAAA" {
			t.Errorf("kept %+v", book[jkt])
		}
		for name, tt := range map[string]struct {
			change members
			want   string
		}{
			"no nonce":           {members{"subscription": subscription("https://x")}, "badRequest"},
			"another's nonce":    {members{"nonce": "bm9uY2U", "subscription": subscription("https://x")}, "badRequest"},
			"both":               {members{"nonce": ask.Nonce, "remove": true, "subscription": subscription("https://x")}, "badRequest"},
			"no endpoint":        {members{"nonce": ask.Nonce, "subscription": members{"keys": members{"p256dh": "B", "auth": "A"}}}, "badRequest"},
			"a bad one":          {members{"nonce": ask.Nonce, "subscription": subscription("https://bad")}, "badRequest"},
			"no service of ours": {members{"nonce": ask.Nonce, "subscription": subscription("https://elsewhere")}, "forbidden"},
		} {
			if got := r.push(tt.change); got.Error != tt.want || !got.Subscribed {
				t.Errorf("%s: pushed %+v, want error %q and the old subscription", name, got, tt.want)
			}
			time.Sleep(time.Second) // within the budget
		}
		time.Sleep(10 * time.Second)
		if got := r.push(members{"nonce": ask.Nonce, "remove": true}); got.Error != "badRequest" || !got.Subscribed {
			t.Errorf("a message that is played again gets %+v", got)
		} else if got = r.push(members{"nonce": got.Nonce, "remove": true}); got.Error != "" || got.Subscribed {
			t.Errorf("removal gets %+v", got)
		}
		if len(book) != 0 {
			t.Errorf("kept %+v", book)
		}
		r.expectNoEvent()
	})
}

func TestPushIsForContacts(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		stranger := signalingtest.NewPhone(t, sn, r.key.JKT())
		r.from(stranger, stranger.Message(message.TypePush, roomID, members{}))
		if got := r.said(stranger); len(got) != 0 {
			t.Errorf("a stranger got %+v", got)
		}
	})
}

func TestADeviceThatDoesNotPush(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		if got := r.push(members{}); got != (message.Pushed{}) {
			t.Errorf("pushed %+v", got)
		}
	})
}
