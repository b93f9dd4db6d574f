package daemon

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/signaling"
	"callbox/signaling/message"
)

func (b *backend) Call(ctx context.Context, r control.CallRequest) (control.CallStarted, error) {
	return ask(ctx, b.loop, func() (control.CallStarted, error) { return b.loop.place(r) })
}

var _ = [1]struct{}{}[call.MaxRings-control.MaxPhones] // the machine holds what the API takes

// place begins a call of the device's own.
func (l *loop) place(r control.CallRequest) (control.CallStarted, error) {
	if l.state.Phase.Active() || l.stopping {
		return control.CallStarted{}, control.ErrBusy
	}
	people, err := l.resolve(r.To)
	if err != nil {
		return control.CallStarted{}, err
	}
	if err := control.CheckPhones(len(people)); err != nil {
		return control.CallStarted{}, err
	}
	d := &dialing{roomType: signaling.RoomType(r.RoomType), query: r.Query}
	if d.roomType == "" {
		d.roomType = signaling.Video
	}
	wish := signaling.Limit{Set: r.TimeLimit > 0, Duration: time.Duration(r.TimeLimit * float64(time.Second))}
	forbidden := ""
	for _, c := range people {
		may := l.mayCall("", c, d.roomType, wish)
		if !may.allowed {
			forbidden = may.rule
			l.log.Info().Str("contact", c.Name).Str("rule", may.rule).Msg("a contact may not be called")
			continue
		}
		d.rings = append(d.rings, &ring{
			room: signaling.RoomKey{ID: message.NewID(), Phone: c.JKT}, contact: c,
			limit: signaling.Limit(may.limit), camera: may.camera,
		})
	}
	if len(d.rings) == 0 {
		return control.CallStarted{}, control.ErrNotAllowed.With(forbidden)
	}
	inTurn := l.settings.dialInTurn
	if r.Mode != "" {
		inTurn = r.Mode == control.InTurn
	}
	first := d.rings[0]
	limit := call.Limit(wish)
	if len(d.rings) == 1 {
		limit = call.Limit(first.limit)
	}
	l.dial(d, inTurn, call.Smallest(limit, call.Limit(l.settings.rules.LongestCall)))
	return control.CallStarted{RoomID: first.room.ID, GroupID: first.room.ID}, nil
}

// resolve finds the contacts that are meant: by name, thumbprint or group, each
// once and in the order in which they are named.
func (l *loop) resolve(to []string) ([]signaling.Contact, error) {
	var people []signaling.Contact
	add := func(c signaling.Contact) {
		known := slices.ContainsFunc(people, func(p signaling.Contact) bool { return p.JKT == c.JKT })
		if !c.Revoked && !known {
			people = append(people, c)
		}
	}
	all := l.contacts.List()
	for _, name := range to {
		before := len(people)
		group, isGroup := strings.CutPrefix(name, control.GroupPrefix)
		found, revoked := false, false
		for _, c := range all {
			if (isGroup && slices.Contains(c.Groups, group)) || (!isGroup && (c.JKT == name || strings.EqualFold(c.Name, name))) {
				found, revoked = found || !c.Revoked, revoked || c.Revoked
				add(c)
			}
		}
		switch {
		case !found && isGroup:
			return nil, control.ErrNoContact.With(fmt.Sprintf("no contact is in the group %q", group))
		case !found && revoked:
			return nil, control.ErrNoContact.With(fmt.Sprintf("%q is revoked and cannot be called", name)).
				WithRemedy("callboxctl contacts replace gives the contact a new key, callboxctl pair adds the phone anew")
		case !found && before == len(people):
			return nil, control.ErrNoContact.With(fmt.Sprintf("there is no contact %q", name))
		}
	}
	return people, nil
}

// dataWait is how long SendData waits for the phone.
const dataWait = 5 * time.Second

func (b *backend) SendData(ctx context.Context, r control.DataRequest) (control.DataResult, error) {
	answer, err := ask(ctx, b.loop, func() (<-chan string, error) { return b.loop.sendData(r.Payload) })
	if err != nil {
		return control.DataResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, dataWait)
	defer cancel()
	select {
	case word := <-answer:
		return control.DataResult{ID: r.ID, Error: word}, nil
	case <-ctx.Done():
		return control.DataResult{ID: r.ID, Error: signaling.ErrorTimeout}, nil
	}
}

func (b *backend) AnswerData(ctx context.Context, a control.DataAnswer) error {
	_, err := ask(ctx, b.loop, func() (struct{}, error) { return struct{}{}, b.loop.answerData(a) })
	return err
}

func (b *backend) Calls(ctx context.Context, q control.CallQuery) ([]control.Record, error) {
	if err := b.parts.journal.wait(ctx); err != nil {
		return nil, control.ErrStuck.With("the record store does not answer: is the disk alive?")
	}
	query := store.Query{Since: q.Since, Until: q.Until, Contact: q.Contact, Limit: q.Limit}
	if q.After != "" {
		after, err := strconv.ParseUint(q.After, 10, 64)
		if err != nil || after == 0 {
			return nil, control.ErrBadRequest.With(fmt.Sprintf("cannot continue after %q: it must be the id of a record", q.After))
		}
		query.After = after
	}
	if q.Cause == control.Running {
		query.Limit = 0
	} else {
		query.Cause = q.Cause
	}
	records := []control.Record{}
	for _, r := range b.parts.store.Records(query) {
		if q.Cause == control.Running && !r.Ended.IsZero() {
			continue
		}
		records = append(records, recordOf(r))
	}
	return records[:min(len(records), q.Limit)], nil
}

func recordOf(r store.Record) control.Record {
	shown := control.Record{
		ID: strconv.FormatUint(r.ID, 10), RoomID: r.RoomID, GroupID: r.RoomID, Contact: r.Contact, Phone: r.Peer,
		RoomType: string(r.RoomType), Direction: string(r.Direction), Started: r.Started, Answered: r.Answered, Ended: r.Ended,
		RingSeconds: r.RingSeconds, TalkSeconds: r.TalkSeconds, LimitSeconds: r.LimitSeconds,
		Cause: r.Cause, Origin: r.Origin, Detail: r.Detail, EndedBy: string(r.By), Auto: r.Auto, Times: r.Times, Link: (*control.TalkLink)(r.Link),
		Failure: r.Failure,
	}
	for _, lost := range r.Lost {
		shown.Lost = append(shown.Lost, control.LostDevice(lost))
	}
	for _, ring := range r.Rings {
		shown.Rings = append(shown.Rings, control.RingRecord{
			RoomID: ring.RoomID, Contact: ring.Contact, Phone: ring.Peer, Reached: ring.Reached,
			Cause: ring.Cause, Origin: ring.Origin, Detail: ring.Detail,
		})
	}
	if len(r.Rings) > 0 {
		shown.GroupID = r.Rings[0].RoomID
	}
	return shown
}
