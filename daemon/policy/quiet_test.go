package policy_test

import (
	"testing"
	"time"

	"callbox/daemon/policy"
)

func TestQuiet(t *testing.T) {
	night, err := policy.ParseSchedule([]string{"22:00-07:00"})
	if err != nil {
		t.Fatal(err)
	}
	late, noon := time.Date(2026, 11, 24, 23, 0, 0, 0, time.UTC), time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, tt := range map[string]struct {
		rules policy.Rules
		now   policy.Clock
		want  bool
	}{
		"no times":                 {policy.Rules{}, policy.Clock{Wall: late, Trusted: true}, false},
		"no times, false clock":    {policy.Rules{}, policy.Clock{Wall: late}, false},
		"at night":                 {policy.Rules{DoNotDisturb: night}, policy.Clock{Wall: late, Trusted: true}, true},
		"at noon":                  {policy.Rules{DoNotDisturb: night}, policy.Clock{Wall: noon, Trusted: true}, false},
		"noon, false clock":        {policy.Rules{DoNotDisturb: night}, policy.Clock{Wall: noon}, true},
		"noon, false clock, allow": {policy.Rules{DoNotDisturb: night, UntrustedClock: policy.UntrustedAllow}, policy.Clock{Wall: noon}, false},
	} {
		if got := tt.rules.Quiet(tt.now); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}
