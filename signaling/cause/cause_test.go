package cause

import "testing"

func TestRegistry(t *testing.T) {
	causes, codes := map[Cause]bool{}, map[int]Cause{}
	for _, e := range Registry() {
		if causes[e.Cause] {
			t.Errorf("%s stands twice in the registry", e.Cause)
		}
		causes[e.Cause] = true
		if other, taken := codes[e.ExitCode]; taken {
			t.Errorf("%s and %s have the same exit code", e.Cause, other)
		}
		codes[e.ExitCode] = e.Cause
		if !e.Cause.Valid() || e.Cause.Event(true) != e.Event || e.Event == "" || e.Meaning == "" {
			t.Errorf("%s is not complete: %+v", e.Cause, e)
		}
	}
	if len(causes) != 13 {
		t.Errorf("%d causes; docs/protocol.md has 13", len(causes))
	}
	if Cause("").Valid() || Cause("limit").Valid() || Cause("limit").Event(true) != "" {
		t.Error("a cause that is not in the registry passes")
	}
	if got := JoinFailed.Event(false); got != "joinFailListener" {
		t.Errorf("event of a failed join on the called side = %s", got)
	}
	if Origin("limit").Valid() || !TimeLimit.Valid() || Detail("limit").Valid() || !MediaLost.Valid() {
		t.Error("origins or details are not checked")
	}
}
