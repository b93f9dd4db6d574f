package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

var errEnough = errors.New("enough")

func TestWatch(t *testing.T) {
	c, events, _ := serve(t, &backend{})
	events.Publish("before", "", nil)
	var seen []string
	err := c.Watch(t.Context(), client.WatchOptions{}, func(ev control.Event) error {
		seen = append(seen, fmt.Sprintf("%s %d", ev.Name, ev.Seq))
		switch ev.Name {
		case "status":
			events.PublishIn("ringing", control.Room{RoomID: "room-1", GroupID: "group-1"}, control.RingingData{Contact: "Anna"})
			events.Publish("reconnecting", "room-1", nil)
		case "ringing":
			if ev.RoomID != "room-1" || ev.GroupID != "group-1" || !strings.Contains(string(ev.Data), "Anna") {
				t.Errorf("event = %+v", ev)
			}
		case "reconnecting":
			if ev.GroupID != "room-1" || ev.Data != nil {
				t.Errorf("event = %+v", ev)
			}
			return errEnough
		}
		return nil
	})
	if want := "status 1, ringing 2, reconnecting 3"; !errors.Is(err, errEnough) || strings.Join(seen, ", ") != want {
		t.Errorf("Watch = %v, saw %v, want %s", err, seen, want)
	}
}

// TestFraming looks at the bytes that another program's reader gets.
func TestFraming(t *testing.T) {
	_, events, socket := serve(t, &backend{})
	events.Publish("busy", "r", nil)
	conn := dial(t, socket)
	fmt.Fprint(conn, "GET /v1/events?after=0 HTTP/1.0\r\nHost: unix\r\n\r\n")
	if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	buf := make([]byte, 4096)
	for !strings.Contains(got.String(), "}\n\n") {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("%v after\n%s", err, &got)
		}
		got.Write(buf[:n])
	}
	for _, want := range []string{"Content-Type: text/event-stream\r\n", "\r\n\r\nretry: 1000\n\nid: ", "-1\nevent: status\ndata: {\"epoch\":\""} {
		if !strings.Contains(got.String(), want) {
			t.Errorf("%q is not in\n%s", want, &got)
		}
	}
}

// TestSeam lets a publisher race the beginning of many streams: each stream has
// every event that its first state does not include, once and in order.
func TestSeam(t *testing.T) {
	b := &backend{}
	c, events, _ := serve(t, b)
	ctx, stop := context.WithCancel(t.Context())
	var publisher, watchers sync.WaitGroup
	publisher.Go(func() {
		for ctx.Err() == nil {
			events.Publish("calling", "", nil)
			time.Sleep(50 * time.Microsecond) // the watchers must keep up; no result depends on it
		}
	})
	for n := range 20 {
		watchers.Go(func() {
			var state control.Status
			var next uint64
			var position control.Position
			seen := 0
			each := func(ev control.Event) error {
				if ev.Name == control.EventStatus {
					if err := json.Unmarshal(ev.Data, &state); err != nil {
						return err
					}
					if next == 0 { // a new stream begins behind the state
						if state.Seq != ev.Seq {
							t.Errorf("the first event is %d, and the state includes %d", ev.Seq, state.Seq)
						}
						next = ev.Seq + 1
					} else if ev.Seq != next-1 { // one that resumes, where the client stood
						t.Errorf("resumed at %d, want %d", ev.Seq, next-1)
					}
					return nil
				}
				if ev.Name != "calling" || ev.Seq != next {
					return fmt.Errorf("event %s %d, want %d", ev.Name, ev.Seq, next)
				}
				next, position = ev.Seq+1, ev.Position()
				if seen++; seen%(20+n) == 0 {
					return errEnough
				}
				return nil
			}
			for range 5 {
				if err := c.Watch(ctx, client.WatchOptions{After: position}, each); !errors.Is(err, errEnough) {
					t.Errorf("Watch = %v", err)
				}
			}
		})
	}
	watchers.Wait()
	stop()
	publisher.Wait()
}

func TestResume(t *testing.T) {
	events := control.NewEvents(time.Now)
	epoch := events.Subscribe(control.Position{}, false).Start.Epoch
	for range 1500 {
		events.Publish("x", "", nil)
	}
	at := func(epoch string, seq uint64) control.Position { return control.Position{Epoch: epoch, Seq: seq} }
	for name, tt := range map[string]struct {
		from      control.Position
		past      int
		missed    bool
		restarted bool
	}{
		"from now on":               {control.Position{}, 0, false, false},
		"the newest ones":           {at(epoch, 1490), 10, false, false},
		"by number alone":           {at("", 1490), 10, false, false},
		"all that is kept":          {at(epoch, 500), 1000, false, false},
		"more than is kept":         {at(epoch, 499), 1000, true, false},
		"from the start":            {at(epoch, 0), 1000, true, false},
		"a number of an older run":  {at("", 9000), 1000, true, true},
		"the id of an older run":    {at("OLDEPOCH", 3), 1000, true, true},
		"an older run, same number": {at("OLDEPOCH", 1500), 1000, true, true},
		"nothing happened since":    {at(epoch, 1500), 0, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := events.Subscribe(tt.from, false)
			defer s.Close()
			if len(s.Past) != tt.past || s.Missed != tt.missed || s.Restarted != tt.restarted {
				t.Errorf("past = %d, missed = %v, restarted = %v; want %+v", len(s.Past), s.Missed, s.Restarted, tt)
			}
			if want := 1500 - uint64(tt.past); s.Start.Seq != want || s.Start.Epoch != epoch {
				t.Errorf("it starts behind %v, want %d", s.Start, want)
			}
			if tt.past > 0 && s.Past[0].Seq != s.Start.Seq+1 {
				t.Errorf("the first one is %d, behind %d", s.Past[0].Seq, s.Start.Seq)
			}
		})
	}
}

func TestMissedIsTold(t *testing.T) {
	c, events, _ := serve(t, &backend{})
	events.Publish("paired", "", nil)
	events.Publish("revoked", "", nil)
	for from, want := range map[control.Position]string{
		{Epoch: "OLDEPOCH", Seq: 1}: `status 0, missed 0 {"restarted":true}, paired 1, revoked 2`,
		{Seq: 1}:                    "status 1, revoked 2",
	} {
		var seen []string
		err := c.Watch(t.Context(), client.WatchOptions{After: from}, func(ev control.Event) error {
			line := fmt.Sprintf("%s %d", ev.Name, ev.Seq)
			if ev.Name == control.EventMissed {
				line += " " + string(ev.Data)
			}
			seen = append(seen, line)
			if ev.Name == "revoked" {
				return errEnough
			}
			return nil
		})
		if got := strings.Join(seen, ", "); !errors.Is(err, errEnough) || got != want {
			t.Errorf("after %v: %v, saw\n%s, want\n%s", from, err, got, want)
		}
	}
}

func TestPositionText(t *testing.T) {
	for text, want := range map[string]control.Position{
		"": {}, "17": {Seq: 17}, "ABCDEFGH-17": {Epoch: "ABCDEFGH", Seq: 17}, "ABCDEFGH-0": {Epoch: "ABCDEFGH"},
	} {
		got, err := control.ParsePosition(text)
		if err != nil || got != want {
			t.Errorf("ParsePosition(%q) = %v, %v", text, got, err)
		}
		if text != "" && got.ID() != text {
			t.Errorf("ID of %q = %q", text, got.ID())
		}
	}
	for _, text := range []string{"x", "-1", "ABC-1", "ABCDEFGH-", "ABCDEFGH-x", "ABCDEFGH-1-2", "1.5"} {
		if p, err := control.ParsePosition(text); err == nil {
			t.Errorf("ParsePosition(%q) = %v", text, p)
		}
	}
}

// TestHandlers: a promise to answer lasts as long as the stream.
func TestHandlers(t *testing.T) {
	c, events, _ := serve(t, &backend{})
	for _, handle := range []bool{true, false} {
		err := c.Watch(t.Context(), client.WatchOptions{Handle: handle}, func(control.Event) error {
			if got := events.Handlers() == 1; got != handle {
				t.Errorf("handle %v: %d handlers", handle, events.Handlers())
			}
			return errEnough
		})
		if !errors.Is(err, errEnough) {
			t.Error(err)
		}
		deadline := time.Now().Add(10 * time.Second)
		for events.Subscribers() != 0 {
			if time.Now().After(deadline) {
				t.Fatal("a client that went away still counts")
			}
			time.Sleep(time.Millisecond)
		}
		if n := events.Handlers(); n != 0 {
			t.Errorf("%d handlers are left", n)
		}
	}
}

// TestSlowReader: a client that does not read is dropped and disturbs nobody.
func TestSlowReader(t *testing.T) {
	events := control.NewEvents(time.Now)
	slow, quick := events.Subscribe(control.Position{}, true), events.Subscribe(control.Position{}, false)
	got := 0
	for range 300 {
		events.Publish("x", "", nil)
		<-quick.C
		got++
	}
	n := 0
	for range slow.C { // closed by the drop
		n++
	}
	if got != 300 || n != 256 || events.Subscribers() != 1 || events.Handlers() != 0 {
		t.Errorf("quick got %d, slow %d, %d subscribers and %d handlers left", got, n, events.Subscribers(), events.Handlers())
	}
	quick.Close()
}

func TestIdempotencyKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := control.NewReplies(time.Now)
		calls := 0
		call := func(key, to string, err error) (control.CallStarted, error) {
			return r.Once(t.Context(), control.CallRequest{To: []string{to}, IdempotencyKey: key}, func() (control.CallStarted, error) {
				calls++
				return control.CallStarted{RoomID: fmt.Sprint(calls)}, err
			})
		}
		expect := func(what, room string, want error, got control.CallStarted, err error) {
			t.Helper()
			if got.RoomID != room || !errors.Is(err, want) {
				t.Errorf("%s = %v, %v; want %s, %v", what, got, err, room, want)
			}
		}
		got, err := call("k", "Anna", nil)
		expect("the first", "1", nil, got, err)
		time.Sleep(10*time.Minute - time.Nanosecond)
		got, err = call("k", "Anna", nil)
		expect("the same again", "1", nil, got, err)
		got, err = call("k", "Bert", nil)
		expect("the key for another call", "", control.ErrBadRequest, got, err)
		got, err = call("", "Anna", nil)
		expect("without a key", "2", nil, got, err)
		time.Sleep(time.Nanosecond)
		got, err = call("k", "Anna", nil)
		expect("10 minutes later", "3", nil, got, err)
		got, err = call("busy", "Anna", control.ErrBusy)
		expect("one that failed", "4", control.ErrBusy, got, err)
		got, err = call("busy", "Anna", nil)
		expect("and is tried again", "5", nil, got, err)
		for n := range 300 {
			time.Sleep(time.Millisecond)
			_, err = call(fmt.Sprint(n), "Anna", err)
		}
		got, err = call("k", "Anna", err)
		expect("after 300 others", "306", nil, got, err)
	})
}

// TestTwoAtOnce: the second of two equal requests waits for the first and calls
// nobody.
func TestTwoAtOnce(t *testing.T) {
	b := &backend{wait: make(chan struct{})}
	c, _, _ := serve(t, b)
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			started, err := c.Call(t.Context(), control.CallRequest{To: []string{"Anna"}, IdempotencyKey: "k"})
			if err != nil || started.RoomID != "r1" {
				t.Errorf("Call = %v, %v", started, err)
			}
		})
	}
	close(b.wait)
	both.Wait()
	if calls := b.all(); len(calls) != 1 {
		t.Errorf("the backend was asked %v", calls)
	}
}
