package policy

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestVerdictsNameTheirRule(t *testing.T) {
	r := &Rules{Groups: []Group{{"a", Rule{Answer: AnswerAuto, Camera: no}}, {"b", Rule{Answer: AnswerRing}}}}
	decide := func(groups ...string) Decision {
		return r.Decide(Request{Contact: Contact{Name: "Anna", Groups: groups, Rule: Rule{Rights: all}}, Video: true, Now: saturday(t)})
	}
	for name, tt := range map[string]struct {
		got  Verdict
		want Verdict
	}{
		"auto":               {decide("a").Auto, Verdict{true, "contact Anna: rights has auto; group a: answer auto"}},
		"one group rings":    {decide("a", "b").Auto, Verdict{false, "group b: answer ring"}},
		"no group":           {decide().Auto, Verdict{false, "configuration: call.answer is not auto"}},
		"no camera":          {decide("b", "a").Camera, Verdict{false, "group a: camera false"}},
		"camera":             {decide("b").Camera, Verdict{true, "no rule says anything of camera, so it is true"}},
		"unlock":             {decide().Unlock, Verdict{true, "contact Anna: rights has unlock"}},
		"unlock, no group":   {r.Unlock(Contact{Name: "Anna", Groups: []string{"x"}, Rule: Rule{Rights: all}}), Verdict{false, "contact Anna: policy.groups has no x"}},
		"camera asked alone": {r.Camera(Contact{Name: "Anna", Groups: []string{"a"}}), Verdict{false, "group a: camera false"}},
		"camera of the rest": {r.Camera(Contact{Name: "Anna"}), Verdict{true, "no rule says anything of camera, so it is true"}},
		"camera, no group":   {r.Camera(Contact{Name: "Anna", Groups: []string{"x"}}), Verdict{false, "contact Anna: policy.groups has no x"}},
		"no unlock":          {r.Unlock(Contact{Name: "Anna", Rule: Rule{Rights: call}}), Verdict{false, "contact Anna: rights has no unlock"}},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %+v, want %+v", name, tt.got, tt.want)
		}
	}
}

// TestExplain pins a whole explanation, in its JSON form.
func TestExplain(t *testing.T) {
	r := &Rules{
		Zone: zone(t, "Asia/Shanghai"), Default: Rule{LongestCall: limit(10 * time.Minute)},
		Groups:      []Group{{"family", Rule{Rights: []Right{RightCall, RightAuto}, Hours: windows(t, "Mon-Fri 08:00-20:00"), TalkADay: limit(time.Hour)}}},
		LongestCall: Limit{true, time.Hour},
	}
	q := Request{Contact: Contact{Name: "Anna", Groups: []string{"family"}}, Video: true, Wish: Limit{true, 90 * time.Second}, Now: saturday(t), DND: DND{On: true}}
	e := r.Explain(q)
	if d := r.Decide(q); d != e.Decision {
		t.Errorf("Decide says %+v, Explain %+v", d, e.Decision)
	}
	steps := func(e Explanation) string {
		var lines []string
		for _, s := range e.Steps {
			lines = append(lines, string(s.Check)+" "+string(s.Outcome)+": "+s.Rule)
		}
		return strings.Join(lines, "\n")
	}
	if got, want := steps(e), `right nothing: contact Anna: says nothing of rights
right yes: group family: rights has call
hours nothing: contact Anna: says nothing of hours
hours no: group family: hours Mon-Fri 08:00-20:00, now Sat 09:12 Asia/Shanghai
talk_a_day nothing: contact Anna: says nothing of talk_a_day
talk_a_day yes: group family: talk_a_day 1h0m0s, of which 1h0m0s is left
do_not_disturb nothing: contact Anna: says nothing of through_dnd
do_not_disturb nothing: group family: says nothing of through_dnd
do_not_disturb nothing: default: says nothing of through_dnd
do_not_disturb no: do not disturb is on; no rule says anything of through_dnd, so it is false
limit yes: the caller wishes 1m30s
limit nothing: contact Anna: says nothing of longest_call
limit nothing: group family: says nothing of longest_call
limit yes: default: longest_call 10m0s
limit yes: configuration: call.max_duration 1h0m0s
limit yes: group family: talk_a_day 1h0m0s, of which 1h0m0s is left
answer nothing: contact Anna: says nothing of rights
answer yes: group family: rights has auto
answer nothing: group family: says nothing of answer
answer nothing: default: says nothing of answer
answer no: configuration: call.answer is not auto
camera nothing: contact Anna: says nothing of camera
camera nothing: group family: says nothing of camera
camera nothing: default: says nothing of camera
camera yes: no rule says anything of camera, so it is true
unlock nothing: contact Anna: says nothing of rights
unlock no: group family: rights has no unlock`; got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	e.Steps = e.Steps[:2]
	text, err := json.Marshal(e)
	if want := `{"allowed":false,"cause":"forbidden","rule":"group family: hours Mon-Fri 08:00-20:00, now Sat 09:12 Asia/Shanghai",` +
		`"auto":{"allowed":false,"rule":"the call is not allowed"},"camera":{"allowed":false,"rule":"the call is not allowed"},"unlock":{"allowed":false,"rule":"the call is not allowed"},` +
		`"steps":[{"check":"right","outcome":"nothing","rule":"contact Anna: says nothing of rights"},{"check":"right","outcome":"yes","rule":"group family: rights has call"}]}`; err != nil || string(text) != want {
		t.Errorf("JSON, %v:\n%s\nwant:\n%s", err, text, want)
	}

	// On Monday at the same time, without the switch.
	q.Now, q.DND = q.Now.Add(48*time.Hour), DND{}
	e = r.Explain(q)
	if !e.Allowed || e.Limit.Duration != 90*time.Second || e.LimitFrom != FromInvite {
		t.Errorf("on Monday: %+v", e.Decision)
	}
	text, err = json.Marshal(e)
	var back Explanation
	if err == nil {
		err = json.Unmarshal(text, &back)
	}
	if err != nil || !reflect.DeepEqual(back, e) || !strings.Contains(string(text), `"limitSeconds":90,"limitFrom":"invite"`) {
		t.Errorf("%v: %s", err, text)
	}

	q.Direction = Outgoing
	if got := steps(r.Explain(q)); !strings.Contains(got, "hours nothing: hours are for incoming calls\n") ||
		!strings.Contains(got, "do_not_disturb nothing: do not disturb is for incoming calls\n") || !strings.Contains(got, "answer nothing: the device calls\n") {
		t.Errorf("outgoing:\n%s", got)
	}
}

func TestClockText(t *testing.T) {
	at := time.Date(2026, 5, 9, 7, 2, 0, 0, time.UTC)
	if got, want := clockText(at.In(zone(t, "Europe/Berlin"))), "Sat 09:02 Europe/Berlin"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	name, _ := at.Local().Zone()
	if got := clockText(at.Local()); !strings.HasSuffix(got, " "+name) {
		t.Errorf("got %q, want the abbreviation %s", got, name)
	}
	if got := (&Rules{}).In(Clock{Wall: at}).Wall.Location(); got != time.Local {
		t.Errorf("without a zone: %v", got)
	}
}

func TestLimitJSON(t *testing.T) {
	for text, want := range map[string]Limit{"null": {}, "90": {true, 90 * time.Second}, "0.5": {true, 500 * time.Millisecond}, "0": {true, 0}} {
		got := Limit{true, 7}
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s gives %v, %v", text, got, err)
		}
		if back, err := json.Marshal(want); err != nil || string(back) != text {
			t.Errorf("%v gives %s, %v; want %s", want, back, err, text)
		}
	}
	for _, text := range []string{`"90s"`, "-1", "1e99", "{}"} {
		if err := json.Unmarshal([]byte(text), new(Limit)); err == nil {
			t.Errorf("%s was taken", text)
		}
	}
	if got := (Limit{}).String() + " " + (Limit{true, time.Minute}).String(); got != "none 1m0s" {
		t.Errorf("String = %q", got)
	}
}

func TestWords(t *testing.T) {
	var d Direction
	var r Right
	var u UntrustedClock
	var a Answer
	for text, one := range map[string]interface{ UnmarshalText([]byte) error }{"out": &d, "beCalled": &r, "allow": &u, "auto": &a} {
		if err := one.UnmarshalText([]byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := one.UnmarshalText([]byte(strings.ToUpper(text))); err == nil || !strings.Contains(err.Error(), "is unknown; allowed: ") {
			t.Errorf("%s in capitals: %v", text, err)
		}
		if err := one.UnmarshalText(nil); err == nil {
			t.Errorf("nothing was taken like %s", text)
		}
	}
	if d != Outgoing || r != RightBeCalled || u != UntrustedAllow || a != AnswerAuto {
		t.Errorf("got %v %v %v %v", d, r, u, a)
	}
}
