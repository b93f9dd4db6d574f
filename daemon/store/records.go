package store

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
)

// Direction says who began a call.
type Direction string

// The directions, seen from the device.
const (
	Incoming Direction = "in"
	Outgoing Direction = "out"
)

// Side is one of the two ends of a call.
type Side string

// The sides.
const (
	ByDevice Side = "device"
	ByPhone  Side = "phone"
)

// Record is one call for people and statistics. Times are of the wall clock and
// may be wrong on a device whose clock is; lengths are measured on the boot-time
// clock and kept to the millisecond.
//
// Once a version is released, a new member, or a new meaning of one, is a new version of
// the schema. Version 2 is that of 0.1.0.
type Record struct {
	ID             uint64             `json:"id"` // given by Begin; grows, and never comes twice
	RoomID         string             `json:"roomId"`
	Peer           string             `json:"peer,omitzero"`    // jkt of the phone's key
	Contact        string             `json:"contact,omitzero"` // its name at that time
	RoomType       signaling.RoomType `json:"roomType"`
	Direction      Direction          `json:"direction"`
	Rings          []Ring             `json:"rings,omitzero"` // the phones that an outgoing call rang
	Auto           bool               `json:"auto,omitzero"`  // answered without a person
	Started        time.Time          `json:"started"`
	Answered       time.Time          `json:"answered,omitzero"`
	Ended          time.Time          `json:"ended,omitzero"`          // zero: the call is running
	ClockUntrusted bool               `json:"clockUntrusted,omitzero"` // the times may be wrong by years
	RingSeconds    float64            `json:"ringSeconds"`
	TalkSeconds    float64            `json:"talkSeconds"`
	LimitSeconds   float64            `json:"limitSeconds,omitzero"` // 0: none
	Cause          cause.Cause        `json:"cause,omitzero"`
	Origin         cause.Origin       `json:"origin,omitzero"`
	Detail         cause.Detail       `json:"detail,omitzero"`
	By             Side               `json:"by,omitzero"`      // who ended it; "" when nobody did
	Failure        string             `json:"failure,omitzero"` // why media failed, for an engineer
	Lost           []Lost             `json:"lost,omitzero"`    // devices that were gone, each once
	Link           *Link              `json:"link,omitzero"`    // none of a talk under a second
	Times          int                `json:"times,omitzero"`   // of refused calls: so many in a row, the last one at Ended; 0: one
}

// Lost is a device that was gone in a call, or was not there when it began.
type Lost struct {
	Kind  string `json:"kind"` // camera, sound, or one half of it: microphone, speaker; display, light
	Name  string `json:"name"`
	Error string `json:"error,omitzero"`
	Back  bool   `json:"back,omitzero"` // it came back before the end
}

// Link is how well the media of a talk flowed, from a look each second: means and the
// worst second, and what was counted from beginning to end.
type Link struct {
	SendBitrate    float64 `json:"sendBitrate"` // bit/s
	ReceiveBitrate float64 `json:"receiveBitrate"`

	SendLoss         float64 `json:"sendLoss"` // share of the packets, 0 to 1
	ReceiveLoss      float64 `json:"receiveLoss"`
	SendLossWorst    float64 `json:"sendLossWorst"`
	ReceiveLossWorst float64 `json:"receiveLossWorst"`

	RTTMilliseconds      float64 `json:"rttMilliseconds"` // 0: never measured
	RTTMillisecondsWorst float64 `json:"rttMillisecondsWorst"`

	SendJitterMilliseconds    float64 `json:"sendJitterMilliseconds"`
	ReceiveJitterMilliseconds float64 `json:"receiveJitterMilliseconds"`

	FramesSent       uint64  `json:"framesSent"`
	FramesSkipped    uint64  `json:"framesSkipped"`
	FramesShown      uint64  `json:"framesShown"`
	Freezes          uint64  `json:"freezes"`
	Reconnects       uint64  `json:"reconnects"`
	ConcealedSeconds float64 `json:"concealedSeconds"`

	SendCodec       string  `json:"sendCodec,omitzero"`
	ReceiveCodec    string  `json:"receiveCodec,omitzero"`
	LocalCandidate  string  `json:"localCandidate,omitzero"` // its kind: an address is nobody's business later
	RemoteCandidate string  `json:"remoteCandidate,omitzero"`
	CPU             float64 `json:"cpu"` // cores that the daemon used
}

// Ring is one phone that an outgoing call rang.
type Ring struct {
	RoomID  string       `json:"roomId"`
	Peer    string       `json:"peer,omitzero"`    // jkt of the phone's key
	Contact string       `json:"contact,omitzero"` // its name at that time
	Reached bool         `json:"reached,omitzero"` // the phone has shown that it got the ring
	Cause   cause.Cause  `json:"cause,omitzero"`   // "": it answered and won, or still rings
	Origin  cause.Origin `json:"origin,omitzero"`
	Detail  cause.Detail `json:"detail,omitzero"`
}

// Begin writes down that a call began and returns the number of its record. The
// number is good even when the error is not nil: the record is in memory then,
// and the next write that succeeds puts it on the disk.
func (s *Store) Begin(r Record) (id uint64, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	r.ID, r.Ended = s.next, time.Time{}
	s.next++
	s.list = append(s.list, s.tidy(r))
	s.touch(r.ID)
	s.mu.Unlock()
	return r.ID, s.commit()
}

// Update brings the record of a running call up to date: r replaces it whole. Its
// talk seconds count when a crash ends the call. Errors: ErrNoRecord, or of the
// disk.
func (s *Store) Update(r Record) error { return s.UpdateWith(r, nil) }

// UpdateWith is Update, and saves budgets by their keys in the same transaction:
// after a crash the disk has both or neither.
func (s *Store) UpdateWith(r Record, budgets map[string]Budget) error {
	r.Ended = time.Time{}
	return s.change(r, budgets)
}

// End writes down how a call ended; r replaces its record whole. Its Cause must
// be in the registry. A record with the ID 0 is a call that was over at once and
// never begun: it gets a number of its own. Errors: ErrNoRecord, or of the disk;
// after the latter the record is in memory and the next write that succeeds puts
// it on the disk.
func (s *Store) End(r Record) error { return s.EndWith(r, nil) }

// EndWith is End, and saves budgets by their keys in the same transaction.
func (s *Store) EndWith(r Record, budgets map[string]Budget) error {
	if !r.Cause.Valid() {
		return fmt.Errorf("cannot end the record of room %s: %q is no cause", r.RoomID, r.Cause)
	}
	if r.Ended.IsZero() {
		r.Ended = s.now().UTC()
	}
	return s.change(r, budgets)
}

// change replaces the record of a running call.
func (s *Store) change(r Record, budgets map[string]Budget) error {
	s.write.Lock()
	defer s.write.Unlock()
	s.mu.Lock()
	if err := s.replace(r); err != nil {
		s.mu.Unlock()
		return err
	}
	err := s.putBudgets(budgets)
	if !r.Ended.IsZero() {
		s.prune(s.now())
	}
	s.mu.Unlock()
	return errors.Join(err, s.commit())
}

func (s *Store) replace(r Record) error {
	if r.ID == 0 && !r.Ended.IsZero() {
		r.ID = s.next
		s.next++
		s.list = append(s.list, s.tidy(r))
		s.touch(r.ID)
		return nil
	}
	i, found := s.index(r.ID)
	if !found || !s.list[i].Ended.IsZero() {
		return fmt.Errorf("cannot write the record %d of room %s: %w", r.ID, r.RoomID, ErrNoRecord)
	}
	r.ClockUntrusted = r.ClockUntrusted || s.list[i].ClockUntrusted
	s.list[i] = s.tidy(r)
	s.touch(r.ID)
	return nil
}

// ErrNoRecord means that there is no record of this number that may still change:
// of a running call or, for RefuseAgain, of one that was refused.
var ErrNoRecord = errors.New("no such record that may change")

// tidy makes r fit to be kept.
func (s *Store) tidy(r Record) Record {
	r = s.people.strip(r.clone())
	r.ClockUntrusted = r.ClockUntrusted || !s.clockTrusted()
	for _, t := range []*time.Time{&r.Started, &r.Answered, &r.Ended} {
		*t = t.Round(0)      // what the disk gives back
		if t.Year() > 9999 { // what JSON can hold
			*t = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
		}
	}
	for _, x := range []*float64{&r.RingSeconds, &r.TalkSeconds, &r.LimitSeconds} {
		*x = seconds(*x)
	}
	if l := r.Link; l != nil {
		for _, x := range []*float64{
			&l.SendBitrate, &l.ReceiveBitrate, &l.SendLoss, &l.ReceiveLoss, &l.SendLossWorst, &l.ReceiveLossWorst, &l.RTTMilliseconds,
			&l.RTTMillisecondsWorst, &l.SendJitterMilliseconds, &l.ReceiveJitterMilliseconds, &l.ConcealedSeconds, &l.CPU,
		} {
			if !(*x > 0 && *x < 1e12) { // JSON has no infinity
				*x = 0
			}
		}
	}
	return r
}

// seconds rounds to the millisecond. What is no length of time is none: JSON could
// not hold it, and a record must not be lost for it.
func seconds(x float64) float64 {
	if !(x > 0 && x < 1e12) {
		return 0
	}
	return math.Round(x*1000) / 1000
}

func (r Record) clone() Record {
	r.Rings, r.Lost = slices.Clone(r.Rings), slices.Clone(r.Lost)
	if r.Link != nil {
		link := *r.Link
		r.Link = &link
	}
	return r
}

// index returns where the record with this number is, or would be.
func (s *Store) index(id uint64) (int, bool) {
	return slices.BinarySearchFunc(s.list, id, func(r Record, id uint64) int {
		switch {
		case r.ID < id:
			return -1
		case r.ID > id:
			return 1
		}
		return 0
	})
}
