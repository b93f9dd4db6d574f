package policy

import (
	"testing"
	"time"

	"callbox/signaling/cause"
)

func TestDecide(t *testing.T) {
	minute, hour := Limit{true, time.Minute}, Limit{true, time.Hour}
	call := []string{"call"}
	for name, tt := range map[string]struct {
		in   Request
		want Decision
	}{
		"no rights at all":                {Request{}, Decision{Cause: cause.Forbidden}},
		"other rights only":               {Request{Rights: []string{"beCalled", "auto"}}, Decision{Cause: cause.Forbidden}},
		"no limit anywhere":               {Request{Rights: call}, Decision{Allowed: true}},
		"the phone wishes less":           {Request{Rights: call, Wish: minute, Config: hour}, Decision{Allowed: true, Limit: minute}},
		"the phone wishes more":           {Request{Rights: call, Wish: hour, Config: minute}, Decision{Allowed: true, Limit: minute}},
		"the contact is limited":          {Request{Rights: call, Contact: minute, Wish: hour}, Decision{Allowed: true, Limit: minute}},
		"auto in the configuration alone": {Request{Rights: call, Auto: true}, Decision{Allowed: true}},
		"auto in the contact alone":       {Request{Rights: []string{"call", "auto"}}, Decision{Allowed: true}},
		"auto in both":                    {Request{Rights: []string{"call", "auto"}, Auto: true}, Decision{Allowed: true, Auto: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Decide(tt.in)
			if got.Rule == "" {
				t.Error("the decision names no rule")
			}
			got.Rule = ""
			if got != tt.want {
				t.Errorf("Decide = %+v, want %+v", got, tt.want)
			}
		})
	}
}
