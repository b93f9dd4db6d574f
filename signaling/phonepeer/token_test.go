package phonepeer

import (
	"errors"
	"testing"

	"callbox/signaling/message"
	"callbox/signaling/signalingtest"
)

// TestATokenNamesTheRoom: it is for one room, which whoever asked for it has made.
func TestATokenNamesTheRoom(t *testing.T) {
	p := signalingtest.NewPhone(t, "door-1", "CRFZQaU4cVWkyh7ORVhYEfwFt99lXGi5oDhoF69j_7s")
	const room = "cm9vbS1mb3ItYS10ZXN0LTAx"
	o := CallOptions{RoomType: message.Video, Token: signalingtest.NewIssuer(t, "https://maker.example").Token(p, room)}
	if got, err := o.room(); err != nil || got != room {
		t.Errorf("room = %q, %v", got, err)
	}
	if b, err := o.invite(); err != nil || b.Token != o.Token {
		t.Errorf("invite = %+v, %v", b, err)
	}
	if _, err := (&CallOptions{Token: "hello"}).room(); !errors.Is(err, ErrArgument) {
		t.Errorf("no token at all: %v", err)
	}
	one, _ := (&CallOptions{}).room()
	if two, err := (&CallOptions{}).room(); err != nil || one == two || !message.ValidRoom(one) {
		t.Errorf("rooms without a token: %q and %q, %v", one, two, err)
	}
}
