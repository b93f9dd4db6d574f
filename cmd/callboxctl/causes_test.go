package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"callbox/signaling/cause"
)

const (
	docs      = "../../docs"
	causesTS  = "../../signaling/phone/src/causes.ts"
	generated = "<!-- Made from signaling/cause by: go test ./cmd/callboxctl -update -->"
)

// originMeanings and detailMeanings are for docs/causes.md. The tests hold them to
// the registry.
var originMeanings = []struct {
	origin  cause.Origin
	meaning string
}{
	{cause.Manual, "A person pressed hang-up."},
	{cause.UnloadCallPage, "The call page was closed."},
	{cause.ForceFromApp, "The app or a script ended it."},
	{cause.Other, "The other side ended it."},
	{cause.TimeLimit, "The time limit was reached."},
}

var detailMeanings = []struct {
	detail  cause.Detail
	meaning string
}{
	{cause.MediaLost, "Picture and sound were lost and did not come back in time."},
	{cause.DeviceLost, "The device lost a part that the call needs."},
	{cause.Restarted, "The device was restarted in the call."},
	{cause.Revoked, "The phone's trust, or its right to the call, was taken away in the call."},
	{cause.Shutdown, "The device was shut down."},
	{cause.Unreachable, "The other side does not answer."},
	{cause.UnknownRoom, "The other side knows nothing of the call."},
}

// causeRemedies are for the causes that are nobody's wish.
const causeRemedies = `## What to do

- ` + "`joinFailed`: `callboxctl calls`" + ` shows beside it why. A light that is missing while ` + "`hal.light.required`" + ` is set: no camera
  or microphone is opened without it, so no call comes about; ` + "`callboxctl doctor`" + ` says what is wrong with it ([hooks](hooks.md)).
  No way between phone and device: [turn](turn.md).
- ` + "`aborted`, `mediaLost`" + `: the column LINK of ` + "`callboxctl calls`" + ` tells a bad network from a lost one; [turn](turn.md).
- ` + "`aborted`, `restarted`" + `: ` + "`journalctl -u callbox`" + ` says why the device ended in the call.
- ` + "`timeout`" + `: nobody has heard it, or nobody came: [no-ring](no-ring.md).
- ` + "`forbidden`, `dnd`: `callboxctl policy explain`" + ` names the rule ([policy](policy.md)).
- ` + "`needNonce`" + `: the phone's app asks for a token with the device's nonce; let the device reach a time server ([tokens](tokens.md)).
- ` + "`unsupported`, `badRequest`" + `: one side is older than the other: reload the call page, or upgrade the device.
`

// TestCauses holds docs/causes.md to the registry.
func TestCauses(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Why a call ends\n\n" + generated + "\n\n")
	b.WriteString(`Every call ends once, with one of these causes: the same word in the events, the log, the records, the API and on the
phone. The event comes at both ends; where the names differ, the first is that of who called. The exit code is that of
` + "`callboxctl call --wait` and `callboxctl answer --wait`" + `.

`)
	b.WriteString("| cause | event | exit code | meaning |\n|---|---|---|---|\n")
	for _, e := range cause.Registry() {
		event := "`" + e.Cause.Event(true) + "`"
		if other := e.Cause.Event(false); other != e.Cause.Event(true) {
			event += ", `" + other + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %d | %s |\n", e.Cause, event, e.ExitCode, e.Meaning)
	}
	b.WriteString("\nBeside `hangup` stands an origin, which says how it came about:\n\n| origin | meaning |\n|---|---|\n")
	for _, o := range originMeanings {
		fmt.Fprintf(&b, "| `%s` | %s |\n", o.origin, o.meaning)
	}
	b.WriteString("\nBeside `aborted` stands a detail, which says what broke it off:\n\n| detail | meaning |\n|---|---|\n")
	for _, d := range detailMeanings {
		fmt.Fprintf(&b, "| `%s` | %s |\n", d.detail, d.meaning)
	}
	b.WriteString("\n" + causeRemedies)
	held(t, filepath.Join(docs, "causes.md"), b.String())
}

// TestPhoneKnowsTheCauses holds the phone's words and events to the registry.
func TestPhoneKnowsTheCauses(t *testing.T) {
	raw, err := os.ReadFile(causesTS)
	if err != nil {
		t.Fatal(err)
	}
	block := func(begin, end string) string {
		_, rest, ok := strings.Cut(string(raw), begin)
		body, _, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("%s has no %q", causesTS, begin)
		}
		return body
	}
	var phone, device []string
	for _, m := range regexp.MustCompile(`(\w+): "(\w+)"`).FindAllStringSubmatch(block("export const causes = {", "\n}"), -1) {
		phone = append(phone, m[1]+" "+m[2])
	}
	for _, e := range cause.Registry() {
		device = append(device, string(e.Cause)+" "+e.Cause.Event(true))
	}
	same(t, "causes", phone, device)
	quoted := func(text string) (words []string) {
		for _, m := range regexp.MustCompile(`"(\w+)"`).FindAllStringSubmatch(text, -1) {
			words = append(words, m[1])
		}
		return words
	}
	device = nil
	for _, o := range originMeanings {
		device = append(device, string(o.origin))
		if !o.origin.Valid() {
			t.Errorf("%q is no origin", o.origin)
		}
	}
	same(t, "origins", quoted(block("export const origins = [", "]")), device)
	device = nil
	for _, d := range detailMeanings {
		device = append(device, string(d.detail))
		if !d.detail.Valid() {
			t.Errorf("%q is no detail", d.detail)
		}
	}
	same(t, "details", quoted(block("export const details = [", "]")), device)

	// The registry has no list of these: read its source.
	source, err := os.ReadFile("../../signaling/cause/cause.go")
	if err != nil {
		t.Fatal(err)
	}
	constants := func(kind string) (words []string) {
		for _, m := range regexp.MustCompile(`(?m)^\s+\w+\s+`+kind+`\s+= "(\w+)"`).FindAllStringSubmatch(string(source), -1) {
			words = append(words, m[1])
		}
		return words
	}
	same(t, "origins", quoted(block("export const origins = [", "]")), constants("Origin"))
	same(t, "details", quoted(block("export const details = [", "]")), constants("Detail"))
}

func same(t *testing.T, what string, phone, device []string) {
	t.Helper()
	if !slices.Equal(phone, device) {
		t.Errorf("the %s of the phone are\n%v, those of the device\n%v", what, phone, device)
	}
}

// TestExitCodes: each has one meaning, and those of the causes are the registry's.
func TestExitCodes(t *testing.T) {
	meanings := map[any]string{}
	for _, c := range exitCodes() {
		if old, taken := meanings[c[0]]; taken {
			t.Errorf("%v means %q and %q", c[0], old, c[1])
		}
		meanings[c[0]] = c[1].(string)
	}
	for _, e := range cause.Registry() {
		if causeCode(e.Cause) != e.ExitCode {
			t.Errorf("the exit code of %s is %d, in the registry %d", e.Cause, causeCode(e.Cause), e.ExitCode)
		}
		if e.Cause != cause.Hangup && !strings.Contains(meanings[e.ExitCode], string(e.Cause)+". "+e.Meaning) {
			t.Errorf("%d is explained by %q, not as %s", e.ExitCode, meanings[e.ExitCode], e.Cause)
		}
		if e.ExitCode < 0 || e.ExitCode > 125 {
			t.Errorf("%d of %s: a shell uses it for itself", e.ExitCode, e.Cause)
		}
	}
	if causeCode("") == exitOK || causeCode("strange") == exitOK {
		t.Error("a cause that nobody knows looks like success")
	}
}
