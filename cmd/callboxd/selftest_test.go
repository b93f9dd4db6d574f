package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/daemon/selftest"
)

// TestSelftestLines: the last line says what went wrong, in words that the other program
// can act on.
func TestSelftestLines(t *testing.T) {
	var out bytes.Buffer
	cmd := newSelftest(strings.NewReader(""), &out)
	cmd.SetArgs([]string{"--socket", filepath.Join(t.TempDir(), "none")})
	// The input has ended already: either that or the missing daemon is first.
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	var last selftest.Line
	for line := range strings.Lines(out.String()) {
		last = selftest.Line{}
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
	}
	if last.Error == nil || last.Error.Message == "" || last.Figures != nil {
		t.Errorf("the last line is %+v", last)
	}
	if !cmd.Hidden {
		t.Error("people see the phone among the verbs")
	}
}

func TestErrorOf(t *testing.T) {
	for want, err := range map[string]error{
		control.ErrBusy.Code: fmt.Errorf("cannot: %w", control.ErrBusy),
		selftest.Unreachable: fmt.Errorf("cannot reach it: %w", client.ErrUnreachable),
		"failed":             errors.New("the disk is on fire"),
	} {
		if e := errorOf(err); e.Code != want || e.Message == "" {
			t.Errorf("%v is %+v, want the code %s", err, e, want)
		}
	}
}
