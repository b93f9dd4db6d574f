package config

import "callbox/daemon/policy"

// Rules returns the rules of the policy and call sections.
func (c *Config) Rules() *policy.Rules {
	r := &policy.Rules{
		Default:        c.Policy.Default.rule(),
		Zone:           c.Policy.TimeZone.Location(),
		UntrustedClock: c.Policy.UntrustedClock,
		DoNotDisturb:   c.Policy.DoNotDisturb,
		Answer:         c.Call.Answer,
		LongestCall:    c.Call.MaxDuration.limit(),
		AttemptsAnHour: c.Policy.AttemptsAnHour,
	}
	for _, g := range c.Policy.Groups {
		r.Groups = append(r.Groups, policy.Group{Name: g.Name, Rule: g.rule()})
	}
	return r
}

func (r Rule) rule() policy.Rule {
	optional := func(d *Duration) *policy.Limit {
		if d == nil {
			return nil
		}
		l := d.limit()
		return &l
	}
	return policy.Rule{
		Rights: r.Rights, Answer: r.Answer, LongestCall: optional(r.LongestCall), TalkADay: optional(r.TalkADay),
		Hours: r.Hours, Camera: r.Camera, ThroughDND: r.ThroughDND,
	}
}

func (d Duration) limit() policy.Limit { return policy.Limit{Set: d.Set, Duration: d.Value} }
