package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestHelp: every verb says what it does, at some length, with an example.
func TestHelp(t *testing.T) {
	each(newRoot(&app{}), func(cmd *cobra.Command) {
		if !cmd.Runnable() || cmd.Name() == "help" || !cmd.HasParent() {
			return
		}
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: the short help is %q", path, cmd.Short)
		}
		if len(cmd.Long) <= len(cmd.Short) {
			t.Errorf("%s: the long help says no more than the short one", path)
		}
		if !strings.Contains(cmd.Example, "  callboxctl ") {
			t.Errorf("%s has no example", path)
		}
		for line := range strings.Lines(cmd.Long + "\n" + cmd.Example) {
			if columns(strings.TrimRight(line, "\n")) > 100 {
				t.Errorf("%s: a line is too long for a terminal: %s", path, line)
			}
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || strings.HasSuffix(f.Usage, ".") {
				t.Errorf("%s --%s: the help is %q", path, f.Name, f.Usage)
			}
		})
	})
}

func each(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, sub := range cmd.Commands() {
		each(sub, do)
	}
}

// TestManual holds docs/callboxctl.md to the verbs.
func TestManual(t *testing.T) {
	root := newRoot(&app{})
	var b strings.Builder
	b.WriteString("# callboxctl\n\n<!-- Made from the verbs by: go test ./cmd/callboxctl -update -->\n\n" + root.Long + "\n")
	each(root, func(cmd *cobra.Command) {
		if !cmd.Runnable() || cmd.Name() == "help" || !cmd.HasParent() {
			return
		}
		b.WriteString("\n## " + strings.TrimPrefix(cmd.UseLine(), "callboxctl ") + "\n\n" + cmd.Long + "\n\n```sh\n" + outdent(cmd.Example) + "\n```\n")
		if cmd.HasLocalFlags() {
			cmd.InitDefaultHelpFlag()
			if err := cmd.Flags().MarkHidden("help"); err != nil {
				t.Fatal(err)
			}
			if usages := cmd.LocalNonPersistentFlags().FlagUsages(); usages != "" {
				b.WriteString("\n```\n" + usages + "```\n")
			}
		}
	})
	b.WriteString("\n## Exit codes\n\n```\n" + exitCodesHelp() + "```\n\n[causes.md](causes.md) explains the causes of a call's end.\n")
	held(t, filepath.Join(docs, "callboxctl.md"), b.String())
}

func outdent(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimPrefix(strings.TrimRight(line, "\n"), "  "))
	}
	return strings.Join(lines, "\n")
}

// TestCompletionScripts: each shell gets a script that asks this program.
func TestCompletionScripts(t *testing.T) {
	for shell, want := range map[string]string{"bash": "complete -o default", "zsh": "#compdef callboxctl", "fish": "complete -c callboxctl"} {
		if code, out, errs := ctl(t, "", "completion", shell); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s: %d, %d bytes, %s", shell, code, len(out), errs)
		}
	}
}

// TestDynamicCompletion asks as a shell does.
func TestDynamicCompletion(t *testing.T) {
	_, socket := startDoor(t)
	t.Setenv("CALLBOX_CONTROL_SOCKET", socket)
	carl := strings.Repeat("c", 43) + "\tCarl �[2J�evil: call, beCalled" // his name cannot be typed
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"whom to call":      {[]string{"call", ""}, "Anna\tcall, unlock|" + carl + "|group:family\teverybody in family|group:friends\teverybody in friends"},
		"whom else to call": {[]string{"call", "Anna", "group"}, "" + carl + "|group:family\teverybody in family|group:friends\teverybody in friends"},
		"whom to revoke":    {[]string{"contacts", "revoke", ""}, "Anna\tcall, unlock|Bert's old phone\trevoked|" + carl + ""},
		"nobody else":       {[]string{"contacts", "revoke", "Anna", ""}, ""},
		"whose calls":       {[]string{"calls", "--contact", "A"}, "Anna\tcall, unlock|Bert's old phone\trevoked|" + carl + ""},
		"which call":        {[]string{"hangup", ""}, "kR3v9\ttalking with Anna"},
		"on or off":         {[]string{"camera", ""}, "switch\tShow another of the device's cameras in the running call|on|off"},
		"which shell":       {[]string{"completion", ""}, "bash|zsh|fish"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			run(t.Context(), append([]string{"__complete"}, tt.args...), strings.NewReader(""), &out, &errs)
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			if !strings.HasPrefix(lines[len(lines)-1], ":") {
				t.Fatalf("no directive in\n%s%s", &out, &errs)
			}
			if got := strings.Join(lines[:len(lines)-1], "|"); got != tt.want {
				t.Errorf("it offers\n%q, want\n%q", got, tt.want)
			}
		})
	}
}

// TestHelpOfNothing: a topic that there is not is told, and which may be meant.
func TestHelpOfNothing(t *testing.T) {
	for said, args := range map[string][]string{
		"callboxctl has no verb \"exit-codess\"; the topics are the verbs, and exit-codes": {"help", "exit-codess"},
		"callboxctl has no verb \"frobnicate\"":                                            {"help", "frobnicate"},
		"callboxctl has no verb \"records\"; did you mean calls?":                          {"records"},
	} {
		if code, out, errs := ctl(t, "", args...); code != exitUsage || !strings.Contains(errs, said) {
			t.Errorf("%v = %d %s%s, want %q", args, code, out, errs, said)
		}
	}
	for _, args := range [][]string{{"help"}, {"help", "calls"}, {"help", "exit-codes"}, {"help", "camera", "switch"}} {
		if code, out, errs := ctl(t, "", args...); code != exitOK || out == "" {
			t.Errorf("%v = %d %s%s", args, code, out, errs)
		}
	}
}

// TestHelpInANarrowTerminal: prose breaks between words; what fits, and what is indented, stays.
func TestHelpInANarrowTerminal(t *testing.T) {
	const text = "A line of words that is too\nwide.\n\n  an example that is not touched at all\n\nShort\nlines."
	if got, want := wrapProse(text, 24), "A line of words that is\ntoo wide.\n\n  an example that is not touched at all\n\nShort\nlines."; got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
	each(newRoot(&app{}), func(cmd *cobra.Command) {
		for line := range strings.Lines(wrapProse(cmd.Long, 80)) {
			if line = strings.TrimRight(line, "\n"); columns(line) > 80 && !strings.HasPrefix(line, " ") {
				t.Errorf("%s: %q does not fit", cmd.CommandPath(), line)
			}
		}
	})
}
