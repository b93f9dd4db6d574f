package phonepeer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/token"
)

// CallOptions is what a call asks for.
type CallOptions struct {
	RoomType message.RoomType // "": message.Voice
	// TimeLimit is the longest talk, rounded up to whole milliseconds; 0: no wish.
	TimeLimit time.Duration
	Query     string
	Payload   []byte // any JSON; nil: none
	// EnableCallerCamera is the phone's, EnableListenerCamera the device's; nil: yes.
	EnableCallerCamera, EnableListenerCamera *bool
	// Token is a call token for a phone that is no contact; the call takes place in the
	// room that it names.
	Token string
	// Tone sends a tone of ToneHz; else the phone sends silence.
	Tone bool
	// Sound gives what the phone sends instead, each 20 ms, from one goroutine: an Opus
	// packet of 20 ms; nil: none is sent. It must not block. Repeat makes one.
	Sound func() []byte
	// OnPacket gets each packet of the device's, padding and retransmissions put right;
	// nil: nobody. It is called by one goroutine for sound and one for pictures, and must
	// not block.
	OnPacket func(Packet)
	// Linger is for how long after the call's end its socket counts what still comes, for
	// MediaSince.
	Linger time.Duration
}

// invite returns the message's form. Errors: ErrArgument.
func (o *CallOptions) invite() (message.Invite, error) {
	b := message.Invite{
		RoomType: o.RoomType, EnableCallerCamera: o.EnableCallerCamera, EnableListenerCamera: o.EnableListenerCamera,
		Query: o.Query, Payload: jsontext.Value(o.Payload), Token: o.Token,
	}
	if b.RoomType == "" {
		b.RoomType = message.Voice
	}
	if o.TimeLimit != 0 {
		limit, err := message.LimitOf(o.TimeLimit.Seconds())
		if err != nil {
			return b, badArgument("TimeLimit", err.Error())
		}
		b.TimeLimit = limit
	}
	switch {
	case b.RoomType != message.Voice && b.RoomType != message.Video:
		return b, badArgument("RoomType", fmt.Sprintf("%q is neither voice nor video", b.RoomType))
	case len(b.Query) > message.MaxQuery:
		return b, badArgument("Query", fmt.Sprintf("%d bytes, at most %d", len(b.Query), message.MaxQuery))
	case len(b.Payload) > message.MaxPayload || b.Payload != nil && !b.Payload.IsValid():
		return b, badArgument("Payload", fmt.Sprintf("it must be JSON of at most %d bytes", message.MaxPayload))
	}
	return b, nil
}

// room is where the call takes place. Errors: ErrArgument.
func (o *CallOptions) room() (string, error) {
	if o.Token == "" {
		return message.NewID(), nil
	}
	t, err := token.Parse(o.Token)
	if err != nil {
		return "", badArgument("Token", err.Error())
	}
	return t.RoomID, nil
}

// Call is one call of the phone, from the device's challenge on. Its methods may be
// called from any goroutine; those that come too late do nothing.
type Call struct {
	Room     string
	RoomType message.RoomType

	phone   *Phone
	session *session
	events  *events
	joined  chan struct{} // closed when the device has challenged, or the call has ended

	mu    sync.Mutex
	times Times
	leg   leg // nil before the offer; after the end it still has its numbers
}

// Call calls the device. It returns when the device has answered the invite with its
// challenge: it is there, and the offer goes out. When ctx ends before, the call is
// given up. Errors: ErrNotConnected, ErrArgument, ErrClosed; *EndError when the attempt
// has ended, which is ErrUnreachable when nobody has answered within 10 s.
func (p *Phone) Call(ctx context.Context, o CallOptions) (*Call, error) {
	invite, err := o.invite()
	if err != nil {
		return nil, err
	}
	room, err := o.room()
	if err != nil {
		return nil, err
	}
	var c *Call
	if err := p.loop.do(func() {
		if p.carrier != nil && !p.shutting() {
			c = p.newSession(room, wish{invite: invite, tone: o.Tone, sound: o.Sound, onPacket: o.OnPacket, linger: o.Linger}, nil, false)
		}
	}); err != nil {
		return nil, fmt.Errorf("cannot call: %w", err)
	}
	if c == nil {
		return nil, fmt.Errorf("cannot call: %w; call Connect first", ErrNotConnected)
	}
	select {
	case <-c.joined:
	case <-ctx.Done():
		c.HangUp(cause.Manual)
		<-c.joined
		return nil, fmt.Errorf("cannot call: %w", context.Cause(ctx))
	}
	if ended, over := c.Ended(); over && c.Times().Challenged == 0 {
		return nil, &EndError{ended}
	}
	return c, nil
}

func (p *Phone) shutting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Next waits for the next event of the call. Errors: io.EOF after Ended; ctx's.
func (c *Call) Next(ctx context.Context) (Event, error) { return c.events.next(ctx) }

// Await takes events until one of type E comes, and returns it. Errors: *EndError
// when the call has ended without one; ctx's.
func Await[E Event](ctx context.Context, c *Call) (E, error) {
	var none E
	for {
		ev, err := c.Next(ctx)
		switch {
		case errors.Is(err, io.EOF):
			ended, _ := c.Ended()
			return none, fmt.Errorf("cannot wait for %T: %w", none, &EndError{ended})
		case err != nil:
			return none, err
		}
		if e, ok := ev.(E); ok {
			return e, nil
		}
	}
}

// Wait waits for the call's end. It takes no event.
func (c *Call) Wait(ctx context.Context) (Ended, error) {
	select {
	case <-c.events.done:
		ended, _ := c.Ended()
		return ended, nil
	case <-ctx.Done():
		return Ended{}, fmt.Errorf("cannot wait for the call's end: %w", context.Cause(ctx))
	}
}

// Done is closed when the call has ended.
func (c *Call) Done() <-chan struct{} { return c.events.done }

// Ended is the call's end; false while it has none.
func (c *Call) Ended() (Ended, bool) {
	c.events.mu.Lock()
	defer c.events.mu.Unlock()
	return c.events.ended, c.events.over
}

// HangUp ends the call: before accept it is a cancel (of a call of the device: a
// reject), after it a bye with this origin. Ended comes within half a second, and the
// device's own cause counts when it comes before.
func (c *Call) HangUp(origin cause.Origin) { c.apply(evHangUp{origin}) }

// Cancel gives up while it rings.
func (c *Call) Cancel() { c.HangUp(cause.Manual) }

// Restart offers new ICE credentials, at most one every 2 s. In a talk only.
func (c *Call) Restart() { c.apply(evRestart{}) }

func (c *Call) apply(ev event) { c.phone.loop.post(func() { c.session.apply(ev) }) }

// DropMedia lets every packet of the call's media connection be lost from now on, in
// both directions and without a word, as when the phone's network goes away. The
// signaling goes on.
func (c *Call) DropMedia() { c.drop(true) }

// RestoreMedia ends what DropMedia did.
func (c *Call) RestoreMedia() { c.drop(false) }

func (c *Call) drop(on bool) {
	if l := c.currentLeg(); l != nil {
		l.drop(on)
	}
}

func (c *Call) setLeg(l leg) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leg = l
}

func (c *Call) currentLeg() leg {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.leg
}

// SetCamera turns the phone's picture on or off; in a voice room it does nothing.
func (c *Call) SetCamera(on bool) {
	c.phone.loop.post(func() {
		if s := c.session; s.leg != nil && s.wish.video() {
			s.leg.setCamera(on)
			s.info.set(func(i *message.Info) { i.Camera = on })
		}
	})
}

// SetMic turns the phone's sound on or off.
func (c *Call) SetMic(on bool) {
	c.phone.loop.post(func() {
		if s := c.session; s.leg != nil {
			s.leg.setMic(on)
			s.info.set(func(i *message.Info) { i.Mic = on })
		}
	})
}

// SendData sends the maker's own message, any JSON of at most 4 KiB, and waits until
// the device has answered it: in a talk, or while the device rings. right is "" or a
// right that it needs ("unlock"). Errors: ErrState, ErrData, ErrArgument, ErrClosed,
// ctx's.
func (c *Call) SendData(ctx context.Context, payload []byte, right message.Right) error {
	if len(payload) > message.MaxPayload || payload != nil && !jsontext.Value(payload).IsValid() {
		return badArgument("payload", fmt.Sprintf("it must be JSON of at most %d bytes", message.MaxPayload))
	}
	var done chan error
	if err := c.phone.loop.do(func() { done = c.session.sendData(payload, right) }); err != nil {
		return fmt.Errorf("cannot send data: %w", err)
	}
	select {
	case err := <-done:
		if err != nil {
			return fmt.Errorf("cannot send data: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("cannot wait for the answer to data: %w", context.Cause(ctx))
	}
}
