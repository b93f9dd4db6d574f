//go:build packaged

package packaged

import (
	"regexp"
	"slices"
	"strings"
)

// span is a code span of Markdown.
var span = regexp.MustCompile("`([^`]+)`")

// inline runs the commands that stand in the text of the guide: the spans of several
// words of which the first is a program.
type inline struct {
	*life
	done  []string
	later []string // what removes something
}

func newInline(l *life) *inline {
	l.t.Helper()
	l.run("useradd", "anna")
	l.write("/etc/callbox/broker-password", "a password")
	return &inline{life: l}
}

// elsewhere are the commands that cannot be run in the machine: it has no source, no
// manual pages to be read, and no network on which a phone could find it.
var elsewhere = []string{"make test-package", "man callbox.yaml", "callboxctl selftest"}

// unwell are those that end with 6 when they find a problem, as on a device without a
// camera they do.
var unwell = []string{"callboxctl doctor"}

// removing are those after which the next ones would find nothing.
var removing = regexp.MustCompile(`revoke|remove|purge`)

// run runs the commands of a text, each once on the page.
func (in *inline) run(text string) {
	in.t.Helper()
	for _, m := range span.FindAllStringSubmatch(text, -1) {
		command := strings.Join(strings.Fields(m[1]), " ")
		program, _, several := strings.Cut(command, " ")
		if !several || slices.Contains(in.done, command) || !in.isProgram(program) {
			continue
		}
		in.done = append(in.done, command)
		switch {
		case slices.Contains(elsewhere, command):
		case removing.MatchString(command):
			in.later = append(in.later, command)
		default:
			in.one(command)
		}
	}
}

func (in *inline) isProgram(word string) bool {
	if word == "make" || word == "man" {
		return true
	}
	_, err := in.try("sh", "-c", `[ "$(command -v -- "$0")" != "$0" ] && command -v -- "$0"`, word) // the shell's own are none
	return err == nil
}

// one runs a command for somebody who answers yes.
func (in *inline) one(command string) {
	in.t.Helper()
	wanted := "[ $? = 0 ]"
	if slices.Contains(unwell, command) {
		wanted = "[ $? = 6 ]"
	}
	if out, err := in.try("sh", "-c", "cd /root; echo y | "+command+"; "+wanted); err != nil {
		in.t.Errorf("`%s`, in the text of the guide: %v\n%s", command, err, out)
	}
}

// end runs what removes something, and looks at what the commands have done.
func (in *inline) end() {
	in.t.Helper()
	in.life.run("runuser", "-u", "anna", "--", "callboxctl", "status")
	if got := in.life.run("stat", "-c", "%a %U %G", "/etc/callbox/broker-password"); got != "640 root callbox\n" {
		in.t.Errorf("the file with the secret is %s", got)
	}
	for _, command := range in.later {
		in.one(command)
		if now, err := in.try("callboxctl", "contacts"); err == nil && strings.Contains(now, "Anna") && !strings.Contains(now, "revoked") {
			in.t.Errorf("after `%s` Anna is trusted:\n%s", command, now)
		}
	}
	if in.exists("/etc/callbox") || in.exists("/var/lib/callbox") {
		in.t.Error("after the guide's purge something is left")
	}
	if len(in.done) < 15 || len(in.later) != 3 || in.missing(elsewhere) || in.missing(unwell) {
		in.t.Errorf("the guide's text has other commands than this test knows: %q, and at the end %q", in.done, in.later)
	}
	in.t.Logf("in the text: %q", in.done)
}

// missing reports whether one of the commands was not found.
func (in *inline) missing(commands []string) bool {
	return slices.ContainsFunc(commands, func(c string) bool { return !slices.Contains(in.done, c) })
}
