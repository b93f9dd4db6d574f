//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"callbox/daemon/control/client"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/mqtttest"
	"callbox/signaling/phonepeer"
	"callbox/signaling/signalingtest"
)

const (
	floodRate   = 2000             // forged invites a second, in all
	floodTime   = 10 * time.Second // while a call is talked in
	ringsWithin = 2 * time.Second  // a known contact's call, beside a flood
	floodTick   = 10 * time.Millisecond
)

// flood sends forged invites, over several lines at once, until it is stopped.
type flood struct {
	stop func()
	work sync.WaitGroup
	sent atomic.Int64
	from time.Time
}

// floodLine takes one message; an error ends the flood's use of it.
type floodLine struct {
	say   func(text string) error
	texts []string // what is said, in turn
}

// pour starts a flood that keeps the rate, shared by all lines.
func pour(t *testing.T, lines []floodLine) *flood {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	f := &flood{stop: stop, from: time.Now()}
	each := floodRate / len(lines)
	for i, l := range lines {
		f.work.Go(func() {
			tick := time.NewTicker(floodTick)
			defer tick.Stop()
			for n := 0; ; {
				for due := int(time.Since(f.from).Seconds() * float64(each)); n < due; n++ {
					if err := l.say(l.texts[n%len(l.texts)]); err != nil {
						if ctx.Err() == nil {
							t.Errorf("line %d of the flood broke: %v", i, err)
						}
						return
					}
					f.sent.Add(1)
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
			}
		})
	}
	t.Cleanup(func() { stop(); f.work.Wait() })
	return f
}

// end stops the flood and wants it to have been one.
func (f *flood) end(t *testing.T) {
	t.Helper()
	took, sent := time.Since(f.from), f.sent.Load()
	f.stop()
	f.work.Wait()
	rate := float64(sent) / took.Seconds()
	t.Logf("the flood: %d forged invites in %.1f s, %.0f a second", sent, took.Seconds(), rate)
	if rate < 0.95*floodRate {
		t.Errorf("only %.0f forged invites a second were sent, want %d: this machine is too busy to tell", rate, floodRate)
	}
}

// forged are invites of a phone that the device does not know: by its own key, by a
// foreign one in its name, and with tokens that only look like the issuer's.
func forged(t *testing.T, own *signalingtest.Phone, maker *signalingtest.Issuer) []string {
	t.Helper()
	foreign := signalingtest.NewPhone(t, own.SN, own.DKT).Key
	carries := func(token string) signalingtest.Change {
		return signalingtest.With(signalingtest.Members{"token": token})
	}
	var list []string
	for range 16 {
		room := message.NewID()
		list = append(list,
			own.Invite(room),
			own.Invite(room, signalingtest.SignedBy(foreign)),
			own.Invite(room, carries(maker.Token(own, room, signalingtest.SignedBy(foreign)))),
			own.Invite(room, carries(maker.Token(own, room)), signalingtest.SignedBy(foreign)))
	}
	return list
}

// directLines are strangers on connections of their own, from several addresses, the
// phone's own among them.
func directLines(t *testing.T, d *device, dkt string, maker *signalingtest.Issuer) []floodLine {
	t.Helper()
	url := strings.Replace(d.page(), "http", "ws", 1) + "signal"
	var lines []floodLine
	for i := range 8 {
		own := signalingtest.NewPhone(t, "e2e", dkt)
		from := net.IPv4(127, 0, 0, byte(1+i/2))
		dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
		transport := &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		ws, _, err := websocket.Dial(ctx, url, &websocket.DialOptions{
			HTTPClient: &http.Client{Transport: transport}, Subprotocols: []string{"callbox.v1"},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, greeting, err := ws.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		answer, err := own.Hello(string(greeting))
		if err != nil {
			t.Fatal(err)
		}
		say := func(text string) error { return ws.Write(context.Background(), websocket.MessageText, []byte(text)) }
		if err := say(answer); err != nil {
			t.Fatal(err)
		}
		reading := ws.CloseRead(context.Background()) // answers pings
		t.Cleanup(func() { _ = ws.CloseNow(); <-reading.Done() })
		lines = append(lines, floodLine{say, forged(t, own, maker)})
	}
	return lines
}

// brokerLines are strangers with logins of their own at the device's broker.
func brokerLines(t *testing.T, b *mqtttest.Broker, dkt string, maker *signalingtest.Issuer) []floodLine {
	t.Helper()
	var lines []floodLine
	for range 8 {
		own := signalingtest.NewPhone(t, "e2e", dkt)
		c := b.DialIn(t, own.Address(), b.Login(own.Address(), "d.e2e"))
		topic := mqtttest.Prefix + "/d.e2e/rx/" + own.Address()
		lines = append(lines, floodLine{func(text string) error {
			if code := c.Publish(topic, text, false); code >= 0x80 {
				return fmt.Errorf("the broker refuses it: 0x%02x", code)
			}
			return nil
		}, forged(t, own, maker)})
	}
	return lines
}

// TestFlood: 2,000 forged invites a second for 10 s, over the device's own listener and
// over a broker. The call that is being talked in has no gap, a contact that calls
// meanwhile is told busy, and one that calls the idle device rings within 2 s.
func TestFlood(t *testing.T) {
	broker := mqtttest.Start(t, mqtttest.Options{})
	maker := signalingtest.NewIssuer(t, "https://maker.example")
	keys := filepath.Join(t.TempDir(), "maker.json")
	maker.Publish(keys)
	d := startDevice(t, deviceOptions{tone: 440, quiet: true, ways: fmt.Sprintf(
		"  mqtt: {enabled: true, brokers: [\"%s\"], password_file: %s, ca: %s, prefix: %s}\n  issuers: [{issuer: %s, jwks: %s}]",
		broker.URL(mqtttest.TLS), broker.Login("d.e2e"), broker.CA, mqtttest.Prefix, maker.Name, keys)})
	anna := startPhone(t, phoneOptions{tone: 600})
	anna.pair(d, "Anna")
	window := ctl[struct {
		URL string `json:"url"`
	}](d, "pair", "--name", "Bert")
	bert, err := phonepeer.New(phonepeer.Options{Name: "Bert", Loopback: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = bert.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := bert.Pair(ctx, window.URL); err != nil {
		t.Fatal(err)
	}
	if err := bert.Connect(ctx); err != nil {
		t.Fatal(err)
	}
	dkt := ctl[struct {
		Thumbprint string `json:"thumbprint"`
	}](d, "status").Thumbprint
	eventually(t, 20*time.Second, "the broker is there", func() bool {
		for _, one := range ctl[struct {
			Transports []struct {
				Name string `json:"name"`
				Up   bool   `json:"up"`
			} `json:"transports"`
		}](d, "status").Transports {
			if one.Name == "mqtt" {
				return one.Up
			}
		}
		return false
	})
	for name, open := range map[string]func() []floodLine{
		"direct": func() []floodLine { return directLines(t, d, dkt, maker) },
		"mqtt":   func() []floodLine { return brokerLines(t, broker, dkt, maker) },
	} {
		lines := open()
		t.Run(name+"/in a talk", func(t *testing.T) { floodATalk(t, d, anna, bert, lines) })
		t.Run(name+"/idle", func(t *testing.T) { floodAnIdleDevice(t, d, bert, lines) })
	}
}

func floodATalk(t *testing.T, d *device, anna *phone, bert *phonepeer.Phone, lines []floodLine) {
	anna.home()
	room := anna.call(d, "call-video")
	time.Sleep(2 * time.Second) // past the first keyframe
	before := d.status()
	anna.watchVideo()
	shown := d.watchDecoded()
	f := pour(t, lines)
	time.Sleep(floodTime / 2)
	ctx, cancel := context.WithTimeout(t.Context(), floodTime)
	defer cancel()
	began := time.Now()
	c, err := bert.Call(ctx, phonepeer.CallOptions{RoomType: message.Voice})
	if err != nil {
		t.Fatal(err)
	}
	ended, err := c.Wait(ctx)
	if took := time.Since(began); err != nil || ended.End.Cause != cause.Busy || took > ringsWithin {
		t.Errorf("Bert's call in the flood ended with %+v, %v, after %v; want busy within %v", ended, err, took, ringsWithin)
	}
	time.Sleep(time.Until(f.from.Add(floodTime)))
	gap := checkSeen(t, anna.seen(), floodTime.Seconds()-1, maxGap)
	still := shown.check(t, floodTime.Seconds()-1, maxGap)
	f.end(t)
	after := d.status()
	if after.State != "talking" || after.Call.RoomID != room {
		t.Errorf("the call was disturbed: the device is %s", after.State)
	}
	refused := after.refusals() - before.refusals()
	t.Logf("%d refused, of which %d for rate; largest gap between two presented pictures: %v; longest stand-still of the device's decoder: %v",
		refused, after.Refused["rate"]-before.Refused["rate"], gap, still)
	if refused < uint64(floodRate)*uint64(floodTime.Seconds())*8/10 {
		t.Errorf("only %d were refused: the flood did not reach the device", refused)
	}
	ctl[any](d, "hangup")
	d.waitState("idle", 10*time.Second)
}

func floodAnIdleDevice(t *testing.T, d *device, bert *phonepeer.Phone, lines []floodLine) {
	api := client.New(d.socket)
	f := pour(t, lines)
	time.Sleep(2 * time.Second)
	for range 3 {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		began := time.Now()
		c, err := bert.Call(ctx, phonepeer.CallOptions{RoomType: message.Video})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, 10*time.Second, "it rings", func() bool {
			s, err := api.Status(ctx)
			return err == nil && s.State == "ringing"
		})
		took := time.Since(began)
		t.Logf("it rang after %v", took.Round(time.Millisecond))
		if took > ringsWithin {
			t.Errorf("a contact's call rang after %v, want at most %v", took, ringsWithin)
		}
		c.Cancel()
		if _, err := c.Wait(ctx); err != nil {
			t.Error(err)
		}
		d.waitState("idle", 10*time.Second)
		cancel()
	}
	f.end(t)
}
