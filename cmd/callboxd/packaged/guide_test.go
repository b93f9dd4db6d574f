//go:build packaged

package packaged

import (
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"
)

var guideFile = flag.String("guide", "../../../docs/operations.md", "the guide whose commands are run")

// blocks are the commands of the guide: those that end by themselves, and those that go
// on until somebody ends them.
var blocks = regexp.MustCompile("(?ms)^```sh( interactive)?\n(.*?)^```$")

// TestGuide runs the commands of docs/operations.md in their order, as somebody would
// who follows it.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile(*guideFile)
	if err != nil {
		t.Fatal(err)
	}
	found := blocks.FindAllStringSubmatch(string(guide), -1)
	if len(found) < 15 || strings.Count(string(guide), "\n```") != 2*len(found) {
		t.Fatalf("the guide has %d blocks of commands, and others that are not run", len(found))
	}
	for release, s := range eachSystem(t) {
		t.Run(release, func(t *testing.T) {
			l := &life{machine: boot(t, s.root, nil), top: t, deb: s.deb}
			l.run("cp", l.put(s.deb), "/root/")
			for _, block := range found {
				interactive, script := block[1] != "", block[2]
				run := "cd /root; " + script
				if !interactive {
					l.run("bash", "-euo", "pipefail", "-c", run)
				} else if out, err := l.try("timeout", "--preserve-status", "--signal=INT", "2", "bash", "-euc", "exec "+script); err != nil && !strings.Contains(err.Error(), "130") {
					t.Errorf("%s: %v\n%s", script, err, out)
				}
				if got := l.show("ActiveState"); got != "active" {
					t.Fatalf("after this the daemon is %s:\n%s\n%s", got, script, tail(l.journal()))
				}
			}
		})
	}
}
