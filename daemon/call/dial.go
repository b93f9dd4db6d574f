package call

import "callbox/signaling/cause"

// MaxRings is how many phones one call of the device may ring.
const MaxRings = 8

// RingState is how far the ringing of one phone is.
type RingState string

// The steps of RingState.
const (
	RingNone     RingState = ""         // no such ring
	RingWaiting  RingState = "waiting"  // its turn has not come
	RingOut      RingState = "out"      // ring was sent; nothing was heard of the phone
	RingAlerting RingState = "alerting" // its person is being called
	RingAnswered RingState = "answered" // its person answered, while another phone connects
	RingJoined   RingState = "joined"   // the call is with this phone
	RingLost     RingState = "lost"     // it does not get the call
)

// OneRing is the ringing of one phone.
type OneRing struct {
	Room  Room
	State RingState
	Limit Limit     // of its phone, once that has answered
	End   cause.End // in RingLost
}

// Rings are the phones that an outgoing call rings.
type Rings struct {
	List   [MaxRings]OneRing
	InTurn bool
}

// find returns the place of a room; -1 when it is not rung.
func (r *Rings) find(room Room) int {
	for i := range r.List {
		if r.List[i].State != RingNone && r.List[i].Room == room {
			return i
		}
	}
	return -1
}

// first returns the first ring in one of the states; -1 when there is none.
func (r *Rings) first(states ...RingState) int {
	for i := range r.List {
		for _, state := range states {
			if r.List[i].State == state {
				return i
			}
		}
	}
	return -1
}

// ringing is whether a phone is being rung now.
func (r *Rings) ringing() bool { return r.first(RingOut, RingAlerting) >= 0 }

// dial begins an outgoing call. While there is a call, the daemon has refused it
// already.
func (s State) dial(e Dial) (State, []Effect) {
	if s.Phase.Active() || len(e.Rooms) == 0 || len(e.Rooms) > MaxRings {
		return s, nil
	}
	s = State{Phase: Dialing, Generation: s.Generation + 1, Outgoing: true, Room: e.Rooms[0], Rules: e.Rules, Asked: e.Rules.Limit}
	s.Rings = Rings{InTurn: e.InTurn}
	effects := []Effect{BeginRecord{}}
	for i, room := range e.Rooms {
		s.Rings.List[i] = OneRing{Room: room, State: RingWaiting}
	}
	s, more := s.ringNext()
	return s, append(effects, more...)
}

// ringNext rings those whose turn it is, and starts their time.
func (s State) ringNext() (State, []Effect) {
	var effects []Effect
	for i := range s.Rings.List {
		if s.Rings.List[i].State != RingWaiting {
			continue
		}
		s.Rings.List[i].State = RingOut
		effects = append(effects, SendRing{s.Rings.List[i].Room})
		if s.Rings.InTurn {
			break
		}
	}
	if len(effects) > 0 {
		effects = append(effects, s.Timers.start(RingTimer, s.Rules.Ring))
	}
	return s, effects
}

func (s State) ringReached(room Room) (State, []Effect) {
	i := s.Rings.find(room)
	if i < 0 || s.Rings.List[i].State != RingOut {
		return s, nil
	}
	s.Rings.List[i].State = RingAlerting
	return s, []Effect{Alert{room}}
}

// offeredToCaller takes an offer while the device calls. A phone that calls by
// itself at the same moment (glare), or before its turn, has answered by that: its
// own room takes the ring's place.
func (s State) offeredToCaller(e Offered) (State, []Effect) {
	i := s.Rings.find(e.Room)
	if !e.Ring && i < 0 {
		i = s.called(e.Room.Phone)
	}
	switch {
	case i < 0 && e.Ring:
		return s, []Effect{CancelRing{e.Room, cause.AnsweredElsewhere}}
	case i < 0:
		return s, []Effect{Refuse{Room: e.Room, Cause: cause.Busy}}
	}
	r := &s.Rings.List[i]
	switch r.State {
	case RingWaiting, RingOut, RingAlerting:
	case RingLost:
		return s, []Effect{CancelRing{e.Room, r.End.Cause}}
	case RingNone, RingAnswered, RingJoined: // a duplicate
		return s, nil
	}
	effects := []Effect{RingTaken{Room: r.Room, By: e.Room}}
	r.Room, r.State, r.Limit = e.Room, RingAnswered, e.Rules.Limit
	if s.Phase == Connecting { // it waits whether the first one reaches the talk
		stop := s.stopRinging()
		return s, append(effects, stop...)
	}
	s, more := s.join(i)
	return s, append(effects, more...)
}

// called returns the ring of a phone that is being rung or whose turn may come,
// else -1.
func (s State) called(phone string) int {
	for i, r := range s.Rings.List {
		if r.Room.Phone == phone && (r.State == RingWaiting || r.State == RingOut || r.State == RingAlerting) {
			return i
		}
	}
	return -1
}

// join makes the phone of ring i, whose offer is there, the one to connect with.
// While others ring on, their time goes on.
func (s State) join(i int) (State, []Effect) {
	s.Rings.List[i].State = RingJoined
	s.Room = s.Rings.List[i].Room
	s.Rules.Limit = Smallest(s.Asked, s.Rings.List[i].Limit)
	effects := s.stopRinging()
	effects = append(effects, Join{s.Room})
	s, more := s.connect()
	return s, append(effects, more...)
}

// stopRinging ends the time of the rings when no phone is being rung any more.
func (s *State) stopRinging() []Effect {
	if s.Timers.Ring == 0 || s.Rings.ringing() {
		return nil
	}
	return []Effect{s.Timers.stop(RingTimer)}
}

// ringLost takes a phone out that is being rung or waits. tell is what it is to be
// told. When none is left, the call ends.
func (s State) ringLost(room Room, end cause.End, by By, tell Effect) (State, []Effect) {
	i := s.Rings.find(room)
	if i < 0 || (s.Phase != Dialing && s.Phase != Connecting) {
		return s, nil
	}
	switch s.Rings.List[i].State {
	case RingOut, RingAlerting, RingAnswered:
	case RingNone, RingWaiting, RingJoined, RingLost:
		return s, nil
	}
	s, effects := s.lose(i, end, tell)
	if s.Phase == Connecting {
		stop := s.stopRinging()
		return s, append(effects, stop...)
	}
	s, more := s.goOn(by)
	return s, append(effects, more...)
}

func (s State) lose(i int, end cause.End, tell Effect) (State, []Effect) {
	s.Rings.List[i].State, s.Rings.List[i].End = RingLost, end
	var effects []Effect
	if tell != nil {
		effects = append(effects, tell)
	}
	return s, append(effects, RingOver{s.Rings.List[i].Room, end})
}

// loseOthers takes all phones out that the call is not with, and ends their time.
func (s State) loseOthers(end cause.End) (State, []Effect) {
	var effects []Effect
	if s.Timers.Ring != 0 {
		effects = append(effects, s.Timers.stop(RingTimer))
	}
	for i, r := range s.Rings.List {
		var tell Effect
		switch r.State {
		case RingOut, RingAlerting, RingAnswered:
			tell = CancelRing{r.Room, end.Cause}
		case RingWaiting:
		case RingNone, RingJoined, RingLost:
			continue
		}
		next, more := s.lose(i, end, tell)
		s, effects = next, append(effects, more...)
	}
	return s, effects
}

// goOn finds out what comes after a phone was lost: one that has answered, those
// that ring on, the next in turn, or the end.
func (s State) goOn(by By) (State, []Effect) {
	if i := s.Rings.first(RingAnswered); i >= 0 {
		return s.join(i)
	}
	s.Phase = Dialing
	if s.Rings.ringing() {
		return s, nil
	}
	if s.Rings.first(RingWaiting) < 0 {
		return s.end(s.Rings.verdict(), by, nil)
	}
	var effects []Effect
	if s.Timers.Ring != 0 {
		effects = append(effects, s.Timers.stop(RingTimer))
	}
	s, more := s.ringNext()
	return s, append(effects, more...)
}

// legFailed gives up the phone that the call was being connected with, and goes
// on with the others; the call ends with that when there are none.
func (s State) legFailed(end cause.End, by By, tell Effect) (State, []Effect) {
	i := s.Rings.first(RingJoined)
	if i < 0 || s.Rings.first(RingAnswered, RingOut, RingAlerting, RingWaiting) < 0 {
		return s.end(end, by, tell)
	}
	effects := []Effect{s.Timers.stop(ConnectTimer)}
	if s.Media != MediaNone {
		effects = append(effects, ShutMedia{})
	}
	s, more := s.lose(i, end, tell)
	effects = append(append(effects, more...), DropMedia{})
	s.Media, s.Accepted = MediaNone, false
	s, more = s.goOn(by)
	return s, append(effects, more...)
}

// ringsTimedOut is what the ring timer leads to in an outgoing call.
func (s State) ringsTimedOut() (State, []Effect) {
	s.Timers.Ring = 0
	var effects []Effect
	for i, r := range s.Rings.List {
		end := cause.End{Cause: cause.Timeout}
		switch r.State {
		case RingOut: // nothing was ever heard of it
			end = cause.End{Cause: cause.Aborted, Detail: cause.Unreachable}
		case RingAlerting:
		case RingNone, RingWaiting, RingAnswered, RingJoined, RingLost:
			continue
		}
		next, more := s.lose(i, end, CancelRing{r.Room, cause.Timeout})
		s, effects = next, append(effects, more...)
	}
	if s.Phase == Connecting {
		return s, effects
	}
	s, more := s.goOn(ByDevice)
	return s, append(effects, more...)
}

// verdict is the cause of a call that no phone took: what a person decided counts
// before what nobody decided.
func (r *Rings) verdict() cause.End {
	for _, c := range []cause.Cause{
		cause.Rejected, cause.DND, cause.Busy, cause.JoinFailed, cause.Timeout, cause.Forbidden,
	} {
		for _, one := range r.List {
			if one.State == RingLost && one.End.Cause == c {
				return one.End
			}
		}
	}
	for _, one := range r.List {
		if one.State == RingLost {
			return one.End
		}
	}
	return cause.End{Cause: cause.Timeout}
}
