package config

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"time"

	"callbox/daemon/policy"
)

func window(t *testing.T, s string) policy.Window {
	t.Helper()
	w, err := policy.ParseWindow(s)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestPolicyValues(t *testing.T) {
	c, err := load("f", []byte(`
call: {answer: auto, max_duration: 2h, dial_mode: in_turn, announcement: /a.wav, warnings: [1m]}
policy:
  time_zone: Asia/Shanghai
  untrusted_clock: allow
  default:
    longest_call: 10m
    hours: [Mon-Fri 08:00-20:00, "Sat,Sun 10:00-18:00"]
  groups:
    - name: family
      rights: [call, beCalled, auto, unlock]
      answer: auto
      longest_call: none
      talk_a_day: 1h30m
      camera: true
      through_dnd: true
    - name: 家人
      rights: []
      camera: false
  do_not_disturb: [22:00-07:00]
  attempts_an_hour: 7
records: {keep: 5, keep_for: 90d, people: none, people_in_bugreport: full}
control: {group: ""}
`), []string{"CALLBOX_POLICY_DEFAULT_CAMERA=false", "CALLBOX_POLICY_DEFAULT_RIGHTS=call, unlock"})
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	want := Default()
	want.Call.Answer, want.Call.DialMode, want.Call.Announcement = AnswerAuto, DialInTurn, "/a.wav"
	want.Call.MaxDuration.Value = 2 * time.Hour
	want.Call.Warnings = []time.Duration{time.Minute}
	want.Policy = Policy{
		TimeZone: "Asia/Shanghai", UntrustedClock: "allow",
		Default: Rule{
			Rights: []policy.Right{"call", "unlock"}, LongestCall: &Duration{true, 10 * time.Minute}, Camera: &no,
			Hours: policy.Schedule{window(t, "Mon-Fri 08:00-20:00"), window(t, "Sat,Sun 10:00-18:00")},
		},
		Groups: []Group{
			{"family", Rule{
				Rights: []policy.Right{"call", "beCalled", "auto", "unlock"}, Answer: AnswerAuto, LongestCall: &Duration{},
				TalkADay: &Duration{true, 90 * time.Minute}, Camera: &yes, ThroughDND: &yes,
			}},
			{"家人", Rule{Rights: []policy.Right{}, Camera: &no}},
		},
		DoNotDisturb: policy.Schedule{window(t, "22:00-07:00")}, AttemptsAnHour: 7,
	}
	want.Records = Records{Keep: 5, KeepFor: 90 * 24 * time.Hour, People: PeopleNone, PeopleInBugreport: PeopleFull}
	want.Control.Group = ""
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}

	rules := c.Rules()
	if rules.Zone.String() != "Asia/Shanghai" || rules.Answer != policy.AnswerAuto || rules.UntrustedClock != policy.UntrustedAllow ||
		rules.AttemptsAnHour != 7 || rules.LongestCall != (policy.Limit{Set: true, Duration: 2 * time.Hour}) || !reflect.DeepEqual(rules.DoNotDisturb, c.Policy.DoNotDisturb) {
		t.Errorf("the rules are %+v", rules)
	}
	limit := func(d time.Duration) *policy.Limit { return &policy.Limit{Set: true, Duration: d} }
	if want := (policy.Rule{
		Rights: []policy.Right{"call", "unlock"}, LongestCall: limit(10 * time.Minute), Camera: &no, Hours: c.Policy.Default.Hours,
	}); !reflect.DeepEqual(rules.Default, want) {
		t.Errorf("default: got %+v, want %+v", rules.Default, want)
	}
	if want := []policy.Group{
		{Name: "family", Rule: policy.Rule{
			Rights: []policy.Right{"call", "beCalled", "auto", "unlock"}, Answer: policy.AnswerAuto, LongestCall: &policy.Limit{},
			TalkADay: limit(90 * time.Minute), Camera: &yes, ThroughDND: &yes,
		}},
		{Name: "家人", Rule: policy.Rule{Rights: []policy.Right{}, Camera: &no}},
	}; !reflect.DeepEqual(rules.Groups, want) {
		t.Errorf("groups: got %+v, want %+v", rules.Groups, want)
	}
}

func TestListsInTheEnvironment(t *testing.T) {
	c, err := load("f", []byte("call: {warnings: []}\n"), []string{"CALLBOX_POLICY_DO_NOT_DISTURB=Sat,Sun 13:00-15:00; 22:00-07:00", "CALLBOX_POLICY_TIME_ZONE=UTC"})
	if err != nil {
		t.Fatal(err)
	}
	if want := (policy.Schedule{window(t, "Sat,Sun 13:00-15:00"), window(t, "22:00-07:00")}); !reflect.DeepEqual(c.Policy.DoNotDisturb, want) {
		t.Errorf("do_not_disturb = %v, want %v", c.Policy.DoNotDisturb, want)
	}
	if len(c.Call.Warnings) != 0 || c.Policy.TimeZone.Location() != time.UTC {
		t.Errorf("got %+v", c)
	}
	c, err = load("f", []byte("call: {warnings: [5s]}\n"), []string{"CALLBOX_CALL_WARNINGS=1m, 30s,5s"})
	if want := []time.Duration{time.Minute, 30 * time.Second, 5 * time.Second}; err != nil || !slices.Equal(c.Call.Warnings, want) {
		t.Errorf("warnings = %v, %v; want %v", c.Call.Warnings, err, want)
	}
}

func TestTimeZone(t *testing.T) {
	for _, z := range []TimeZone{"", "UTC", "Europe/Berlin"} {
		var got TimeZone
		if err := got.UnmarshalText([]byte(z)); err != nil || got != z || got.Location() == nil {
			t.Errorf("%q: %q, %v", z, got, err)
		}
	}
	for _, z := range []string{"Local", "europe", "../etc/passwd", "/etc/localtime", "CET-1CEST"} {
		var got TimeZone
		if got.UnmarshalText([]byte(z)) == nil {
			t.Errorf("%q was taken", z)
		}
	}
	if TimeZone("").Location() != time.Local || TimeZone("gone").Location() != time.UTC {
		t.Error("the system's zone is not used, or a zone that is gone is not UTC")
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90s": 90 * time.Second, "1m30s": 90 * time.Second, "90d": 90 * 24 * time.Hour, "1d12h": 36 * time.Hour,
		"0d": 0, "-5s": -5 * time.Second, "1d1ms": 24*time.Hour + time.Millisecond, "99999d": 99999 * 24 * time.Hour,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q = %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "1.5d", "-1d", "1d-1h", "1d+1h", "1d2", "1dd", "12h1d", "100000d", "90 d", "1D", "99999d2500000h"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q was taken as %v", text, got)
		}
	}
}

// TestExamplesInTheDocs loads what docs/policy.md shows.
func TestExamplesInTheDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1)
	if len(examples) < 4 {
		t.Fatalf("only %d examples were found", len(examples))
	}
	for _, one := range examples {
		if _, err := load("f", one[1], nil); err != nil {
			t.Errorf("%v in:\n%s", err, one[1])
		}
	}
}
