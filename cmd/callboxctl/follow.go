package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/signaling/cause"
)

// follower watches one call to its end.
type follower struct {
	app   *app
	group string
	end   control.EndData
	room  string
}

// callResult is what a call that was waited for came to.
type callResult struct {
	RoomID   string       `json:"roomId"` // of the phone that the end is about
	GroupID  string       `json:"groupId"`
	Cause    cause.Cause  `json:"cause"`
	Origin   cause.Origin `json:"origin,omitzero"`
	Detail   cause.Detail `json:"detail,omitzero"`
	KeepTime int          `json:"keepTime"`
}

var errOver = errors.New("the call is over")

// callAndFollow calls and shows what happens until the call is over.
func (a *app) callAndFollow(ctx context.Context, r control.CallRequest) error {
	return a.follow(ctx, func() (string, error) {
		started, err := a.client().Call(ctx, r)
		return started.GroupID, err
	})
}

// answerAndFollow answers and shows what happens until the call is over.
func (a *app) answerAndFollow(ctx context.Context, id string) error {
	return a.follow(ctx, func() (string, error) {
		status, err := a.client().Status(ctx)
		if err != nil {
			return "", err
		}
		group := id
		if status.Call != nil {
			group = status.Call.GroupID
			if id == "" {
				id = status.Call.RoomID
			}
		}
		return group, a.client().Answer(ctx, id)
	})
}

// follow watches before it begins something, so that nothing can be missed.
func (a *app) follow(ctx context.Context, begin func() (group string, err error)) error {
	f := &follower{app: a}
	err := a.client().Watch(ctx, client.WatchOptions{}, func(ev control.Event) error {
		if ev.Name == control.EventStatus {
			var err error
			f.group, err = begin()
			return err
		}
		return f.event(ev)
	})
	switch {
	case errors.Is(err, errOver):
		return f.result()
	case err == nil:
		return client.ErrStopped
	}
	if f.group != "" && ctx.Err() != nil && !a.json {
		fmt.Fprintln(a.err, "The call goes on; callboxctl hangup ends it.")
	}
	return ended(ctx, err)
}

// event takes one event of the stream.
func (f *follower) event(ev control.Event) error {
	if ev.GroupID != f.group && ev.RoomID != f.group {
		return nil
	}
	if !f.app.json && ev.Name != control.EventCalling {
		if err := f.app.show(nil, func(w io.Writer) { fmt.Fprintln(w, eventLine(ev)) }); err != nil {
			return err
		}
	}
	switch ev.Name {
	case control.EventFinishVoip:
		return errOver
	case control.EventJoinFailCaller, control.EventJoinFailListener, control.EventCancelVoip, control.EventRejectVoip,
		control.EventBusy, control.EventTimeout, control.EventHangUpVoip, control.EventAbortVoip:
		f.room = ev.RoomID
		if err := json.Unmarshal(ev.Data, &f.end); err != nil {
			return fmt.Errorf("cannot read how the call ended: %w", err)
		}
	}
	return nil
}

// result shows how the call ended and makes it the exit code.
func (f *follower) result() error {
	r := callResult{f.room, f.group, f.end.Cause, f.end.Origin, f.end.Detail, f.end.KeepTime}
	err := f.app.show(r, func(w io.Writer) {
		fmt.Fprintf(w, "The call is over after %s of talk: %s.", clockText(r.KeepTime), endText(r.Cause, r.Origin, r.Detail))
		for _, e := range cause.Registry() {
			if e.Cause == r.Cause {
				fmt.Fprint(w, " "+e.Meaning)
			}
		}
		fmt.Fprintln(w)
	})
	if code := causeCode(r.Cause); err == nil && code != exitOK {
		return outcome(code)
	}
	return err
}
