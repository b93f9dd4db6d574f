package phonepeer

import (
	"errors"
	"net"
	"testing"

	"github.com/pion/webrtc/v4"

	"callbox/signaling"
	"callbox/signaling/cause"
)

func TestBusyDeviceAndUnreachableDevice(t *testing.T) {
	d := openDoor(t)
	c, _ := talks(t, d, d.connected(), CallOptions{})
	second, err := d.connected().Call(t.Context(), CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d.Reject(waitFor[signaling.Offer](d).Room, cause.Busy)
	wantEnd(t, second, cause.End{Cause: cause.Busy}, true)
	if _, over := c.Ended(); over {
		t.Error("the first call did not go on")
	}
	endpoints := d.server.Endpoints()
	d.close()
	late := newTestPhone(t, Options{Device: &Device{SN: testSN, DKT: d.key.JKT(), Endpoints: endpoints}})
	if err := late.Connect(t.Context()); !errors.Is(err, ErrUnreachable) {
		t.Errorf("Connect: %v, want ErrUnreachable", err)
	}
	if _, err := late.Call(t.Context(), CallOptions{}); !errors.Is(err, ErrNotConnected) {
		t.Errorf("Call: %v, want ErrNotConnected", err)
	}
}

// TestAnotherKey: a device that has changed its key, and another device at an old
// address.
func TestAnotherKey(t *testing.T) {
	d := openDoor(t)
	for name, tt := range map[string]struct {
		sn   string
		want error
	}{
		"the same device": {testSN, ErrKeyChanged},
		"another device":  {"door-2", ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTestPhone(t, Options{Device: &Device{SN: tt.sn, DKT: newKey(t).JKT(), Endpoints: d.server.Endpoints()}})
			if err := p.Connect(t.Context()); !errors.Is(err, tt.want) {
				t.Errorf("Connect: %v, want %v", err, tt.want)
			}
		})
	}
}

// TestDeviceRestarts: the phone connects again by itself; a call of before is over.
func TestDeviceRestarts(t *testing.T) {
	d := openDoor(t)
	p := d.connected()
	c, _ := talks(t, d, p, CallOptions{})
	listen := d.server.Addr().String()
	d.close()
	again := openDoorAt(t, d.key, listen, 2)
	again.book.contacts = d.book.contacts
	wantEnd(t, c, cause.End{Cause: cause.Aborted, Detail: cause.Restarted}, true)
	c, l := talks(t, again, p, CallOptions{})
	l.bye(cause.End{Cause: cause.Hangup, Origin: cause.Manual})
	wantEnd(t, c, cause.End{Cause: cause.Hangup, Origin: cause.Manual}, true)
}

// TestLinkComesBack: a connection that dies while it rings is opened again, and what
// the device has said meanwhile comes then.
func TestLinkComesBack(t *testing.T) {
	d := openDoor(t)
	p := d.connected()
	c, err := p.Call(t.Context(), CallOptions{})
	if err != nil {
		t.Fatal(err)
	}
	l := d.ring()
	await[Ringing](t, c)
	p.link.suspect()
	eventually(t, "the connection ends", func() bool { return d.gone.Load() > 0 }) // for a moment: it is soon open again
	l.accept(signaling.Limit{})
	await[Started](t, c)
	c.HangUp(cause.Manual)
	wantEnd(t, c, manual, false)
}

// TestSelfMadeCertificate is taken only when the phone is told to.
func TestSelfMadeCertificate(t *testing.T) {
	d := openDoorAt(t, newKey(t), "0.0.0.0:0", 1)
	_, port, err := net.SplitHostPort(d.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for insecure, want := range map[bool]error{true: nil, false: ErrUnreachable} {
		p := newTestPhone(t, Options{InsecureTLS: insecure, Device: &Device{SN: testSN, DKT: d.key.JKT(), Endpoints: []string{"https://localhost:" + port}}})
		if err := p.Connect(t.Context()); !errors.Is(err, want) {
			t.Errorf("Connect, insecure %v: %v, want %v", insecure, err, want)
		}
	}
}

func TestCloseSaysByeAndKillDoesNot(t *testing.T) {
	d := openDoor(t)
	p := d.connected()
	c, _ := talks(t, d, p, CallOptions{})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	want := cause.End{Cause: cause.Hangup, Origin: cause.UnloadCallPage}
	wantEnd(t, c, want, false)
	if bye := waitFor[signaling.Bye](d); bye.End != want {
		t.Errorf("the device has got %+v", bye.End)
	}
	if _, err := p.Call(t.Context(), CallOptions{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Call of a closed phone: %v", err)
	}

	p = d.connected()
	c, l := talks(t, d, p, CallOptions{})
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, c, cause.End{Cause: cause.Aborted, Detail: cause.Shutdown}, false)
	eventually(t, "the device loses the phone", func() bool { return l.pc.ICEConnectionState() == webrtc.ICEConnectionStateDisconnected })
	select {
	case ev := <-d.events:
		if _, bye := ev.(signaling.Bye); bye {
			t.Error("a dead phone has said bye")
		}
	default:
	}
}
