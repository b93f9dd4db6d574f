package challenge

import (
	"errors"
	"testing"
	"time"
)

func TestCheck(t *testing.T) {
	m, s := New(), Subject{JKT: "phone", Room: "room", Invite: [32]byte{1}}
	const made = time.Hour
	nonce := m.Nonce(s, made)
	with := func(change func(*Subject)) Subject {
		other := s
		change(&other)
		return other
	}
	for name, tt := range map[string]struct {
		maker *Maker
		nonce string
		s     Subject
		now   time.Duration
		life  time.Duration
		want  error
	}{
		"right":              {m, nonce, s, made + time.Second, Life, nil},
		"at its end":         {m, nonce, s, made + Life, Life, nil},
		"just over":          {m, nonce, s, made + Life + 1, Life, ErrLate},
		"long after":         {m, nonce, s, made + 24*time.Hour, Life, ErrLate},
		"while it rings":     {m, nonce, s, made + time.Minute, time.Hour, nil},
		"after the ringing":  {m, nonce, s, made + time.Minute, time.Minute - 1, ErrLate},
		"of another boot":    {New(), nonce, s, made, Life, ErrForeign},
		"of another key":     {m, nonce, with(func(s *Subject) { s.JKT = "other" }), made, Life, ErrForeign},
		"of another room":    {m, nonce, with(func(s *Subject) { s.Room = "other" }), made, Life, ErrForeign},
		"of another invite":  {m, nonce, with(func(s *Subject) { s.Invite[0] = 2 }), made, Life, ErrForeign},
		"boundary moved":     {m, nonce, with(func(s *Subject) { s.JKT, s.Room = "phoner", "oom" }), made, Life, ErrForeign},
		"late and foreign":   {New(), nonce, s, made + time.Minute, Life, ErrForeign},
		"empty":              {m, "", s, made, Life, ErrForeign},
		"too short":          {m, nonce[:20], s, made, Life, ErrForeign},
		"younger by forgery": {m, "B" + nonce[1:], s, made, Life, ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.maker.Check(tt.nonce, tt.s, tt.now, tt.life); !errors.Is(err, tt.want) {
				t.Errorf("Check = %v, want %v", err, tt.want)
			}
		})
	}
}

// FuzzCheck: no text is a nonce but the one that was made for this.
func FuzzCheck(f *testing.F) {
	m, s := New(), Subject{JKT: "phone", Room: "room", Invite: [32]byte{1}}
	const made = time.Hour
	right := m.Nonce(s, made)
	f.Add(right, "phone", "room")
	f.Add(right, "phoner", "oom")
	f.Add("B"+right[1:], "phone", "room")
	f.Add(New().Nonce(s, made), "phone", "room")
	f.Fuzz(func(t *testing.T, nonce, jkt, room string) {
		err := m.Check(nonce, Subject{JKT: jkt, Room: room, Invite: s.Invite}, made, Life)
		if is := nonce == right && jkt == s.JKT && room == s.Room; (err == nil) != is {
			t.Errorf("Check(%q, %q, %q) = %v", nonce, jkt, room, err)
		}
	})
}
