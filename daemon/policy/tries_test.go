package policy

import (
	"strings"
	"testing"
	"time"

	"callbox/signaling/cause"
)

func TestAttemptsInTheRules(t *testing.T) {
	now := saturday(t)
	tried := func(n int, ago time.Duration) Attempts {
		var a Attempts
		for range n {
			a, _ = a.Try(now.Add(-ago), n)
		}
		return a
	}
	for name, tt := range map[string]struct {
		allowed   int
		direction Direction
		attempts  Attempts
		change    func(*Request)
		want      cause.Cause
		says      string
	}{
		"none yet":             {3, Incoming, Attempts{}, nil, "", "default: rights has call"},
		"one is left":          {3, Incoming, tried(2, time.Minute), nil, "", "default: rights has call"},
		"all are used up":      {3, Incoming, tried(3, time.Minute), nil, cause.Forbidden, "configuration: policy.attempts_an_hour 3, of which contact Anna has used 3"},
		"an hour ago":          {3, Incoming, tried(3, time.Hour), nil, "", "default: rights has call"},
		"just less than that":  {3, Incoming, tried(3, time.Hour-time.Second), nil, cause.Forbidden, "configuration: policy.attempts_an_hour 3, of which contact Anna has used 3"},
		"fewer after a reload": {1, Incoming, tried(3, time.Minute), nil, cause.Forbidden, "configuration: policy.attempts_an_hour 1, of which contact Anna has used 3"},
		"nothing limits them":  {0, Incoming, tried(100, time.Minute), nil, "", "default: rights has call"},
		"the device calls":     {3, Outgoing, tried(3, time.Minute), nil, "", "default: rights has beCalled"},
		"before do not disturb": {3, Incoming, tried(3, time.Minute), func(q *Request) { q.DND.On = true }, cause.Forbidden,
			"configuration: policy.attempts_an_hour 3, of which contact Anna has used 3"},
		"a wall clock that jumps": {3, Incoming, tried(3, time.Minute), func(q *Request) { q.Now.Wall = q.Now.Wall.Add(48 * time.Hour) },
			cause.Forbidden, "configuration: policy.attempts_an_hour 3, of which contact Anna has used 3"},
	} {
		t.Run(name, func(t *testing.T) {
			r := &Rules{Default: Rule{Rights: all}, AttemptsAnHour: tt.allowed}
			q := Request{Contact: Contact{Name: "Anna"}, Direction: tt.direction, Now: now, Attempts: tt.attempts}
			if tt.change != nil {
				tt.change(&q)
			}
			e := r.Explain(q)
			if e.Cause != tt.want || e.Rule != tt.says {
				t.Errorf("got %q, %q; want %q, %q", e.Cause, e.Rule, tt.want, tt.says)
			}
			var steps []string
			for _, s := range e.Steps {
				if s.Check == CheckTries {
					steps = append(steps, string(s.Outcome)+" "+s.Rule)
				}
			}
			wantSteps := 1
			if tt.allowed == 0 {
				wantSteps = 0
			}
			if len(steps) != wantSteps {
				t.Errorf("steps %q, want %d", strings.Join(steps, "; "), wantSteps)
			}
		})
	}
}
