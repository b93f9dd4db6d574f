package config

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

const day = 24 * time.Hour

func checkPolicy(p Policy, r report) {
	if n := p.AttemptsAnHour; n < 1 || n > 1000 {
		r("policy.attempts_an_hour", fmt.Sprintf("%d is out of range; allowed: 1 to 1000", n))
	}
	checkRule("policy.default", p.Default, r)
	for i, g := range p.Groups {
		at := fmt.Sprintf("policy.groups[%d]", i)
		switch name := g.Name; {
		case name == "" || utf8.RuneCountInString(name) > 64:
			r(at+".name", "is missing or too long; allowed: 1 to 64 characters")
		case strings.ContainsFunc(name, unprintable) || strings.Contains(name, ",") || strings.TrimSpace(name) != name:
			r(at+".name", fmt.Sprintf("%q has a comma, space at an end, or control or format characters; allowed: what can be seen, no comma", name))
		}
		for j, other := range p.Groups[:i] {
			if g.Name != "" && other.Name == g.Name {
				r(at+".name", fmt.Sprintf("%q is the name of policy.groups[%d] already; each group needs a name of its own", g.Name, j))
				break
			}
		}
		checkRule(at, g.Rule, r)
	}
}

func checkRule(at string, rule Rule, r report) {
	for i, right := range rule.Rights {
		for _, other := range rule.Rights[:i] {
			if other == right && right != "" {
				r(fmt.Sprintf("%s.rights[%d]", at, i), fmt.Sprintf("%q is there twice", right))
				break
			}
		}
	}
	limit := func(key string, d *Duration, high time.Duration) {
		if d != nil && d.Set && (d.Value < time.Second || d.Value > high) {
			r(at+"."+key, fmt.Sprintf("%s is out of range; allowed: 1s to %s, or the word none", d.Value, high))
		}
	}
	limit("longest_call", rule.LongestCall, 1<<31*time.Second)
	limit("talk_a_day", rule.TalkADay, day)
	if rule.Hours != nil && len(rule.Hours) == 0 {
		r(at+".hours", `is an empty list; allowed: a list such as ["Mon-Fri 08:00-20:00"], ["00:00-24:00"] for all times, or leave the key out`)
	}
}

func checkRecords(c Records, r report) {
	if c.Keep < 1 || c.Keep > 100_000 {
		r("records.keep", fmt.Sprintf("%d is out of range; allowed: 1 to 100000", c.Keep))
	}
	if d := c.KeepFor; d != 0 && (d < time.Hour || d > 36500*day) {
		r("records.keep_for", fmt.Sprintf("%s is out of range; allowed: 1h to 36500d, or 0s for no limit", d))
	}
}

// groupName is what groupadd(8) of Debian makes, and what it allows to be forced.
var groupName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,31}$`)

func checkControl(c Control, r report) {
	if p := c.Socket; !filepath.IsAbs(p) || len(p) > 107 {
		r("control.socket", fmt.Sprintf("%q is no absolute path of at most 107 bytes, the longest that a Unix socket can have", p))
	}
	if c.Group != "" && !groupName.MatchString(c.Group) {
		r("control.group", fmt.Sprintf("%q is no name of a group; allowed: a name such as callbox, or empty", c.Group))
	}
}

func checkWarnings(warnings []time.Duration, r report) {
	if len(warnings) > MaxWarnings {
		r("call.warnings", fmt.Sprintf("are %d; allowed: at most %d", len(warnings), MaxWarnings))
	}
	for i, d := range warnings {
		at := fmt.Sprintf("call.warnings[%d]", i)
		if d < time.Second || d > time.Hour {
			r(at, fmt.Sprintf("%s is out of range; allowed: 1s to 1h0m0s", d))
		}
		for _, other := range warnings[:i] {
			if other == d {
				r(at, fmt.Sprintf("%s is there twice", d))
				break
			}
		}
	}
}
