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
		want  error
	}{
		"right":              {m, nonce, s, made + time.Second, nil},
		"at its end":         {m, nonce, s, made + Life, nil},
		"just over":          {m, nonce, s, made + Life + 1, ErrLate},
		"long after":         {m, nonce, s, made + 24*time.Hour, ErrLate},
		"of another boot":    {New(), nonce, s, made, ErrForeign},
		"of another key":     {m, nonce, with(func(s *Subject) { s.JKT = "other" }), made, ErrForeign},
		"of another room":    {m, nonce, with(func(s *Subject) { s.Room = "other" }), made, ErrForeign},
		"of another invite":  {m, nonce, with(func(s *Subject) { s.Invite[0] = 2 }), made, ErrForeign},
		"boundary moved":     {m, nonce, with(func(s *Subject) { s.JKT, s.Room = "phoner", "oom" }), made, ErrForeign},
		"late and foreign":   {New(), nonce, s, made + time.Minute, ErrForeign},
		"empty":              {m, "", s, made, ErrForeign},
		"too short":          {m, nonce[:20], s, made, ErrForeign},
		"younger by forgery": {m, "B" + nonce[1:], s, made, ErrForeign},
	} {
		t.Run(name, func(t *testing.T) {
			if err := tt.maker.Check(tt.nonce, tt.s, tt.now); !errors.Is(err, tt.want) {
				t.Errorf("Check = %v, want %v", err, tt.want)
			}
		})
	}
}
