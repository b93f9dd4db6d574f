package policy

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestAttempts(t *testing.T) {
	type step struct {
		boot time.Duration
		run  string
		want bool
	}
	at := func(boot time.Duration, want bool) step { return step{boot, "one", want} }
	for name, steps := range map[string][]step{
		"as many as allowed": {at(0, true), at(time.Second, true), at(2*time.Second, true), at(3*time.Second, false)},
		"each comes back after its own hour": {at(0, true), at(30*time.Minute, true), at(40*time.Minute, true),
			at(time.Hour-time.Second, false), at(time.Hour, true), at(time.Hour+time.Second, false), at(90*time.Minute, true)},
		"a refused one costs nothing": {at(0, true), at(0, true), at(0, true), at(59*time.Minute, false), at(time.Hour, true)},
		"a restart gives nothing back": {at(50*time.Minute, true), at(50*time.Minute, true), at(50*time.Minute, true),
			{time.Minute, "two", false}, {59 * time.Minute, "two", false}, {time.Hour, "two", true}},
		"a clock that goes back": {at(time.Hour, true), at(time.Hour, true), at(time.Hour, true), at(0, false), at(2*time.Hour-time.Second, false), at(2*time.Hour, true)},
	} {
		t.Run(name, func(t *testing.T) {
			var a Attempts
			for i, s := range steps {
				next, ok := a.Try(Clock{Boot: s.boot, Run: s.run}, 3)
				if ok != s.want {
					t.Errorf("attempt %d at %v: %v, want %v", i+1, s.boot, ok, s.want)
				}
				text, err := json.Marshal(next)
				if err != nil {
					t.Fatal(err)
				}
				a = Attempts{}
				if err := json.Unmarshal(text, &a); err != nil || !reflect.DeepEqual(a.At(Clock{Boot: s.boot, Run: s.run}), next) {
					t.Errorf("what the store gives back is %+v, not %+v: %v", a, next, err)
				}
			}
		})
	}
}
