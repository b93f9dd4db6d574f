package policy

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// piece is some talk, at its true times.
type piece struct {
	from, to time.Time
	honest   bool // the clock was trusted, and right
}

// life plays a random life of a device whose contact talks whenever it may: the
// clock jumps, loses and regains its trust, the device is switched off, crashes in
// calls. The one thing that is right is the first and the last time of a run that is
// trusted: nobody could know otherwise.
type life struct {
	*box
	rng       *rand.Rand
	allowance Limit
	kept      Budget // what the store has
	talks     []piece
	history   []string
	lied      bool // the clock was trusted and wrong in this run
}

func (l *life) note(format string, args ...any) {
	l.history = append(l.history, l.real.Format("2006-01-02 15:04:05 ")+fmt.Sprintf(format, args...))
}

func (l *life) some(most time.Duration) time.Duration {
	return time.Duration(l.rng.Int64N(int64(most)))
}

func (l *life) clockChanges() {
	switch l.rng.IntN(4) {
	case 0, 1:
		l.trusted = !l.trusted
		if l.wrong = 0; !l.trusted && l.rng.IntN(2) == 0 {
			l.wrong = -l.some(500000 * time.Hour)
		}
	case 2: // a step of hours, or of days
		l.wrong = l.some(60*time.Hour) - 30*time.Hour
	case 3:
		l.wrong = time.Duration(l.rng.IntN(5)-2) * 24 * time.Hour
	}
	// A trusted clock must be known to jump: it was seen when it was right.
	if l.trusted && l.wrong != 0 && (l.b.AheadSeconds == 0 || l.b.Run != l.now().Run) {
		l.wrong = 0
	}
	l.lied = l.lied || l.trusted && l.wrong != 0
	l.note("trusted %v, wrong by %v", l.trusted, l.wrong)
}

func (l *life) restart() {
	off := l.some(20 * time.Minute)
	if l.rng.IntN(3) == 0 {
		off = l.some(60 * time.Hour)
	}
	l.note("off for %v", off)
	l.b = l.kept
	if l.lied {
		l.kept, l.lied = l.trust(true).set(0).look().b, false
	}
	l.off(off)
	l.wrong, l.trusted = 0, l.rng.IntN(2) == 0
	if !l.trusted {
		l.wrong = -l.some(500000 * time.Hour)
	}
}

// call talks for as long as a call may last, with a checkpoint a minute.
func (l *life) call() {
	const ahead = time.Minute
	l.look()
	limit := l.b.Left(l.allowance)
	if limit.Duration < shortest {
		return
	}
	left := limit.Duration
	if l.rng.IntN(3) == 0 {
		left = l.some(left)
	}
	l.note("talk %v of %v, %+v", left, limit, l.b)
	for left > 0 {
		l.kept = l.b.Ahead(min(ahead, left))
		d := min(ahead, left)
		from, start := l.now(), l.real
		honest := l.trusted && l.wrong == 0
		l.pass(d)
		left -= d
		switch l.rng.IntN(40) {
		case 0:
			l.clockChanges()
		case 1:
			// What was charged ahead counts for the day before when it ends after midnight.
			l.talks = append(l.talks, piece{start, l.real, honest && midnight(start).Equal(midnight(l.real))})
			l.note("crash in the call")
			l.restart()
			return
		}
		l.b = l.b.Spend(from, l.now())
		l.talks = append(l.talks, piece{start, l.real, honest && l.trusted && l.wrong == 0})
	}
	l.kept = l.b
}

func (l *life) run(steps int) {
	for range steps {
		switch l.rng.IntN(10) {
		case 0, 1, 2, 3:
			l.call()
		case 4:
			l.pass(l.some(20 * time.Minute))
		case 5, 6:
			l.pass(l.some(12 * time.Hour))
		case 7:
			l.clockChanges()
		case 8:
			l.kept = l.look().b
		case 9:
			if l.rng.IntN(2) == 0 {
				l.restart()
			}
		}
	}
}

// overlap is how much of p lies between from and to.
func (p piece) overlap(from, to time.Time) time.Duration {
	if p.from.After(from) {
		from = p.from
	}
	if p.to.Before(to) {
		to = p.to
	}
	return max(0, to.Sub(from))
}

// check finds days with too much talk.
func (l *life) check(span time.Duration) error {
	const grace = 10 * time.Millisecond // of counting in float64
	first := 0
	for i := range l.talks {
		end := l.talks[i].to
		for l.talks[first].to.Before(end.Add(-span)) {
			first++
		}
		var sum time.Duration
		for _, p := range l.talks[first : i+1] {
			sum += p.overlap(end.Add(-span), end)
		}
		if sum > 2*l.allowance.Duration+grace {
			return fmt.Errorf("%v of talk in the %v before %v", sum, span, end)
		}
	}
	days := map[string]time.Duration{}
	for _, p := range l.talks {
		if !p.honest {
			continue
		}
		begin := midnight(p.to)
		if day := begin.Format(dayForm); p.from.Before(begin) {
			days[p.from.Format(dayForm)] += begin.Sub(p.from)
			days[day] += p.to.Sub(begin)
		} else {
			days[day] += p.to.Sub(p.from)
		}
	}
	for day, sum := range days {
		if sum > l.allowance.Duration+grace {
			return fmt.Errorf("%v of talk on %s with a clock that was right", sum, day)
		}
	}
	return nil
}

// TestBudgetNeverGrantsTimeAgain: in no 24 hours is there more talk than two
// allowances (a day ends in them at most once), and on no local day with a right
// clock more than one. Where summer time begins a day has only 23 hours, so that
// two days can end in 24.
func TestBudgetNeverGrantsTimeAgain(t *testing.T) {
	lives := 120
	if testing.Short() {
		lives = 30
	}
	for name, span := range map[string]time.Duration{
		"Asia/Shanghai": 24 * time.Hour, "Europe/Berlin": 23 * time.Hour, "Australia/Lord_Howe": 23 * time.Hour, "America/Havana": 23 * time.Hour,
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range lives {
				rng := rand.New(rand.NewPCG(uint64(seed), 7))
				l := &life{box: newBox(t, name, "2026-03-10 09:00:00"), rng: rng}
				if seed%2 == 1 {
					l.box = newBox(t, name, "2026-10-10 22:00:00")
				}
				l.allowance = Limit{Set: true, Duration: time.Duration(1+rng.IntN(180)) * time.Minute}
				l.trusted = seed%3 != 0
				l.run(400)
				if err := l.check(span); err != nil {
					for _, line := range l.history {
						t.Log(line)
					}
					t.Fatalf("seed %d, allowance %v: %v", seed, l.allowance, err)
				}
				l.comesBack()
			}
		})
	}
}

// comesBack checks the other side: once the clock is right and stays so, the
// allowance is whole again after at most two midnights and a day.
func (l *life) comesBack() {
	l.t.Helper()
	l.trusted, l.wrong = true, 0
	l.look()
	for range 80 {
		l.pass(time.Hour).look()
	}
	if left := l.b.Left(l.allowance); left != l.allowance {
		l.t.Errorf("after 80 hours %v of %v are left: %+v", left, l.allowance, l.b)
	}
	l.trusted = false
	l.look().talk(time.Minute)
	for range 25 {
		l.pass(time.Hour).look()
	}
	if left := l.b.Left(l.allowance); left != l.allowance {
		l.t.Errorf("after 25 untrusted hours %v of %v are left: %+v", left, l.allowance, l.b)
	}
}
