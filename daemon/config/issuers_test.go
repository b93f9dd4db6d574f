package config

import (
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"callbox/daemon/policy"
)

const twoIssuers = `
policy:
  groups:
    - {name: nurses, answer: auto}
signaling:
  issuers:
    - issuer: https://maker.example
      jwks: /etc/callbox/maker.json
    - issuer: https://care.example
      jwks: /etc/callbox/care.json
      rights: [call, auto, unlock]
      groups: [nurses]
      longest_call: 5m
      talk_a_day: 2h
      attempts_an_hour: 10
      hours: ["Mon-Fri 08:00-20:00"]
      camera: false
      through_dnd: true
`

func TestIssuers(t *testing.T) {
	c, err := load("test.yaml", []byte(twoIssuers), nil)
	if err != nil {
		t.Fatal(err)
	}
	maker, care := c.Signaling.Issuers[0], c.Signaling.Issuers[1]
	if !reflect.DeepEqual(maker.May(), []policy.Right{policy.RightCall}) || maker.Attempts() != DefaultAttempts {
		t.Errorf("an issuer that says nothing may give %v, %d attempts", maker.May(), maker.Attempts())
	}
	if len(care.May()) != 3 || care.Attempts() != 10 {
		t.Errorf("care may give %v, %d attempts", care.May(), care.Attempts())
	}
	d := c.Rules().Decide(policy.Request{
		Contact: care.Caller("Nurse", []policy.Right{policy.RightCall, policy.RightAuto}), Video: true,
		Now: policy.Clock{Wall: time.Date(2026, 5, 4, 12, 0, 0, 0, time.Local), Trusted: true, Run: "boot"},
	})
	if !d.Allowed || !d.Auto.Allowed || d.Camera.Allowed || d.Unlock.Allowed || d.Limit.Duration != 5*time.Minute {
		t.Errorf("the policy says %+v", d)
	}
	if d := c.Rules().Decide(policy.Request{Contact: maker.Caller("Bob", nil), Now: policy.Clock{Trusted: true}}); d.Allowed {
		t.Errorf("a token without rights calls: %+v", d)
	}
}

func TestIssuersRefused(t *testing.T) {
	for name, tt := range map[string]struct{ old, new, want string }{
		"no name":          {"issuer: https://maker.example", "issuer: ''", "signaling.issuers[0].issuer: is missing"},
		"no file":          {"      jwks: /etc/callbox/maker.json\n", "", "signaling.issuers[0].jwks: \"\" is no absolute path"},
		"relative file":    {"/etc/callbox/maker.json", "maker.json", "signaling.issuers[0].jwks: \"maker.json\" is no absolute path"},
		"twice":            {"https://care.example", "https://maker.example", "signaling.issuers[1].issuer: \"https://maker.example\" is that of signaling.issuers[0]"},
		"beCalled":         {"[call, auto, unlock]", "[call, beCalled]", "signaling.issuers[1].rights: has \"beCalled\""},
		"a right twice":    {"[call, auto, unlock]", "[call, call]", "signaling.issuers[1].rights[1]: \"call\" is there twice"},
		"unknown right":    {"[call, auto, unlock]", "[ring]", "\"ring\" is unknown"},
		"unknown group":    {"groups: [nurses]", "groups: [doctors]", "signaling.issuers[1].groups[0]: policy.groups has no \"doctors\""},
		"no attempts":      {"attempts_an_hour: 10", "attempts_an_hour: 0", "signaling.issuers[1].attempts_an_hour: 0 is out of range"},
		"too much a day":   {"talk_a_day: 2h", "talk_a_day: 25h", "signaling.issuers[1].talk_a_day: 25h"},
		"a key of no use":  {"camera: false", "answer: auto", "unknown key \"answer\""},
		"control letters":  {"issuer: https://maker.example", `issuer: "a\u202eb"`, "signaling.issuers[0].issuer: "},
		"unreadable hours": {"Mon-Fri 08:00-20:00", "always", "signaling.issuers[1].hours"},
	} {
		t.Run(name, func(t *testing.T) {
			text := strings.Replace(twoIssuers, tt.old, tt.new, 1)
			_, err := load("test.yaml", []byte(text), nil)
			var problems Problems
			if !errors.As(err, &problems) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want %q", err, tt.want)
			}
		})
	}
}

// TestExamplesOfTokensLoad loads what docs/tokens.md and the example backend show.
func TestExamplesOfTokensLoad(t *testing.T) {
	for _, file := range []string{"../../docs/tokens.md", "../../docs/examples/backend-node/README.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
		if len(examples) == 0 {
			t.Errorf("%s shows no configuration", file)
		}
		for _, example := range examples {
			c, err := load(file, example[1], nil)
			if err != nil || len(c.Signaling.Issuers) != 1 {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}
