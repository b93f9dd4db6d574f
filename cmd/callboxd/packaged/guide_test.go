//go:build packaged

package packaged

import (
	"encoding/json"
	"flag"
	"fmt"
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
// who follows it: a phone is paired on the way, and the device is another one before each
// block that restores it. The commands in the text between two blocks are run between
// them.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile(*guideFile)
	if err != nil {
		t.Fatal(err)
	}
	found := blocks.FindAllStringSubmatch(string(guide), -1)
	between := blocks.Split(string(guide), -1)
	if len(found) < 15 || strings.Count(string(guide), "\n```") != 2*len(found) {
		t.Fatalf("the guide has %d blocks of commands, and others that are not run", len(found))
	}
	for release, s := range eachSystem(t) {
		t.Run(release, func(t *testing.T) {
			l := &life{machine: boot(t, s.root, nil), top: t, deb: s.deb}
			l.run("cp", l.put(s.deb), "/root/")
			seen := map[string]int{}
			want := who{}
			text := newInline(l)
			for i, block := range found {
				text.run(between[i])
				interactive, script := block[1] != "", block[2]
				after := func() {}
				switch {
				case strings.Contains(script, "callboxctl pair"):
					seen["pair"]++
					after = func() { want = l.befriend() }
				case strings.Contains(script, "identity restore"):
					seen["restore"]++
					l.forgetAll(want)
				case strings.Contains(script, "--force-confold"):
					seen["upgrade"]++
					l.run("sh", "-c", "rm /root/callbox_*.deb")
					l.run("cp", l.put(l.newer()), "/root/")
					after = func() {
						if got := l.run("dpkg-query", "-W", "-f", "${Version}", "callbox"); !strings.HasSuffix(got, "+test1") {
							t.Errorf("the upgrade has left %s", got)
						}
					}
				case strings.Contains(script, "callbox.turn-secret"):
					seen["TURN"]++
					after = func() {
						if got := l.run("cat", "/run/credentials/callbox.service/callbox.turn-secret"); got != "the secret of the TURN server" {
							t.Errorf("the daemon gets the secret %q", got)
						}
					}
				}
				run := "cd /root; " + script
				if !interactive {
					l.run("bash", "-euo", "pipefail", "-c", run)
				} else if out, err := l.try("timeout", "--preserve-status", "--signal=INT", "2", "bash", "-euc", "exec "+script); err != nil && !strings.Contains(err.Error(), "130") {
					t.Errorf("%s: %v\n%s", script, err, out)
				}
				if got := l.show("ActiveState"); got != "active" {
					t.Fatalf("after this the daemon is %s:\n%s\n%s", got, script, tail(l.journal()))
				}
				after()
				if got := l.who(); want != (who{}) && got != want {
					t.Fatalf("after this the device is %+v, not %+v:\n%s", got, want, script)
				}
			}
			if seen["pair"] != 1 || seen["restore"] != 2 || seen["upgrade"] != 1 || seen["TURN"] != 1 {
				t.Errorf("the guide has other blocks than this test knows: %v", seen)
			}
			text.run(between[len(found)])
			text.end()
		})
	}
}

// who is what phones know of the device, and whom it knows.
type who struct{ thumbprint, contacts string }

func (l *life) who() who {
	l.t.Helper()
	var status struct {
		Thumbprint string `json:"thumbprint"`
	}
	var contacts []struct {
		Name       string `json:"name"`
		Thumbprint string `json:"thumbprint"`
	}
	for _, one := range []struct {
		verb string
		to   any
	}{{"status", &status}, {"contacts", &contacts}} {
		if err := json.Unmarshal([]byte(l.run("callboxctl", one.verb, "--json")), one.to); err != nil {
			l.t.Fatal(err)
		}
	}
	return who{status.Thumbprint, fmt.Sprint(contacts)}
}

// anna is the key of a phone (RFC 7515, appendix A.3).
const anna = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`

// befriend makes a phone a contact, and returns what is to be kept from then on.
func (l *life) befriend() who {
	l.t.Helper()
	l.write("/root/anna.json", anna)
	l.run("callboxctl", "contacts", "add", "Anna", "--jwk", "/root/anna.json")
	now := l.who()
	if now.thumbprint == "" || !strings.Contains(now.contacts, "Anna") {
		l.t.Fatalf("the device is %+v", now)
	}
	return now
}

// forgetAll makes the device a new one, as a new card would.
func (l *life) forgetAll(before who) {
	l.t.Helper()
	l.run("systemctl", "stop", "callbox")
	l.run("sh", "-c", "rm -r /var/lib/callbox/*")
	l.run("systemctl", "start", "callbox")
	if now := l.who(); now.thumbprint == before.thumbprint || strings.Contains(now.contacts, "Anna") {
		l.t.Fatalf("the device is %+v still", now)
	}
}
