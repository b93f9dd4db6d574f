package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/daemon/selftest"
)

// phonePatience is what the phone gets to hang up after Ctrl-C.
const phonePatience = 4 * time.Second

func newSelftest(a *app) *cobra.Command {
	talk, voice, strict := control.SelftestDefault*time.Second, false, false
	var wanted, required []string
	codec := ""
	cmd := &cobra.Command{
		Use:   "selftest",
		Short: "Call this device with a phone inside this command, and measure",
		Long: `Call this device with a phone inside this command, and say how well it did: how fast it
rings, connects and shows a picture, what gets lost, how loud the microphone is, whether
the phone hears itself, and whether the call ends at its limit.

The device rings and answers by itself after its announcement, whatever call.answer is;
its light is on, its speaker plays speech-like noise. Do not disturb and a running call
are not disturbed. The phone is no contact: it may call for as long as this command runs,
and leaves a record of the contact selftest.

What the device has not got although its configuration wants it has failed; a virtual
camera, microphone or speaker is a warning. --require names what a device must have, and
not a virtual one: with it a factory line does not pass a device whose hardware is missing.

Each figure has a bar, beyond which it has failed: ` + control.Guide("selftest.md") + ` explains them, and
--bar NAME=NUMBER moves one. Exit code 0 when nothing has failed (with --strict: and there
is no warning), else 6; when no talk came about it is that of the cause (callboxctl help
exit-codes). Ctrl-C ends the call.`,
		Example: `  callboxctl selftest
  callboxctl selftest --for 30s --bar first_picture=1500 --bar echo=25
  callboxctl selftest --require camera,microphone,speaker
  callboxctl selftest --json | jq -r '.rows[] | select(.state == "failed") | .name'`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if talk < time.Second || talk > control.SelftestLongest*time.Second {
				return usagef("cannot use --for %v: a test talks from 1s to 10m", talk)
			}
			bars := selftest.DefaultBars()
			for _, text := range wanted {
				if err := bars.Set(text); err != nil {
					return usageError{err}
				}
			}
			for _, kind := range required {
				if !slices.Contains(selftest.Kinds(), kind) {
					return usagef("cannot use --require %s: there are %s", kind, strings.Join(selftest.Kinds(), ", "))
				}
			}
			if codec != "" && !slices.Contains(selftest.VideoCodecs(), codec) {
				return usagef("cannot use --codec %s: there are %s", codec, strings.Join(selftest.VideoCodecs(), ", "))
			}
			args := []string{"selftest", "--socket", a.at(), "--for", talk.String()}
			if voice {
				args = append(args, "--voice")
			}
			if codec != "" {
				args = append(args, "--codec", codec)
			}
			if _, err := a.client().Version(cmd.Context()); err != nil {
				return ended(cmd.Context(), err)
			}
			figures, err := a.phone(cmd.Context(), args)
			if err != nil {
				return ended(cmd.Context(), err)
			}
			r := selftest.Judge(figures, bars, required...)
			if err := a.show(r, func(w io.Writer) { printReport(w, r) }); err != nil {
				return err
			}
			return reportCode(r, strict)
		},
	}
	f := cmd.Flags()
	spanVar(f, &talk, "for", talk, "how long to talk, from 1s to 10m; echo needs 5s, better 10s")
	f.BoolVar(&voice, "voice", false, "without picture")
	f.StringVar(&codec, "codec", "", "take pictures in this `codec` only: h264 or vp8")
	f.StringSliceVar(&required, "require", nil, "`kinds` that the device must have: camera,microphone,speaker,display")
	f.StringArrayVar(&wanted, "bar", nil, "move a bar: `NAME=NUMBER`, as often as needed")
	f.BoolVar(&strict, "strict", false, "let a warning fail, too")
	completes(cmd, "bar", barNames)
	completes(cmd, "codec", cobra.FixedCompletions(selftest.VideoCodecs(), cobra.ShellCompDirectiveNoFileComp))
	completes(cmd, "require", cobra.FixedCompletions(selftest.Kinds(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// barNames completes --bar.
func barNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, b := range selftest.DefaultBars() {
		list = append(list, fmt.Sprintf("%s=\t%v %s: %s", b.Name, b.Fail, b.Unit, b.Says))
	}
	return list, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// reportCode is nil when all is well.
func reportCode(r selftest.Report, strict bool) error {
	switch {
	case r.Verdict == selftest.OK, r.Verdict == selftest.Warning && !strict:
		return nil
	case r.Figures.Times.Started == 0 && causeCode(r.Figures.End.Cause) != exitOK:
		return outcome(causeCode(r.Figures.End.Cause))
	}
	return outcome(exitUnwell)
}

// phone runs the program with the phone and returns what it measured. When ctx ends, or
// this program does, the phone's input ends, and it hangs up.
func (a *app) phone(ctx context.Context, args []string) (selftest.Figures, error) {
	var none selftest.Figures
	program, err := findPhone()
	if err != nil {
		return none, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = a.err
	input, err := cmd.StdinPipe()
	if err != nil {
		return none, err
	}
	defer input.Close()
	cmd.Cancel, cmd.WaitDelay = input.Close, phonePatience // it hangs up, and is killed when it does not
	output, err := cmd.StdoutPipe()
	if err != nil {
		return none, err
	}
	if err := cmd.Start(); err != nil {
		return none, fmt.Errorf("cannot start the phone: %w", err)
	}
	figures, err := a.hearPhone(output)
	_ = input.Close() // it has said all, or what cannot be read
	waited := cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return none, ctx.Err()
	case err == nil && figures == nil:
		return none, errors.Join(errors.New("the phone has said nothing; it is "+program), waited)
	case err != nil:
		return none, err
	}
	return *figures, nil
}

// findPhone is the program with the phone.
func findPhone() (string, error) {
	if named := os.Getenv("CALLBOX_PHONE"); named != "" {
		return named, nil
	}
	found, err := findProgram()
	if err != nil {
		return "", fmt.Errorf("%w, and in it the phone of the test; install it beside callboxctl, or name it: CALLBOX_PHONE", err)
	}
	return found, nil
}

// hearPhone reads what the phone says, and shows on a terminal how far it is.
func (a *app) hearPhone(output io.Reader) (*selftest.Figures, error) {
	show := isTerminal(a.err) && !a.json
	if show {
		defer fmt.Fprint(a.err, "\r"+clearLine)
	}
	lines := bufio.NewScanner(output)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line selftest.Line
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			return nil, fmt.Errorf("cannot read what the phone says: %w", err)
		}
		switch {
		case line.Figures != nil:
			return line.Figures, nil
		case line.Error != nil && line.Error.Code == selftest.Unreachable:
			return nil, unreachable(line.Error.Message)
		case line.Error != nil:
			return nil, line.Error
		case show:
			fmt.Fprint(a.err, "\r"+clearLine+oneLine(line.Now)+" …")
		}
	}
	return nil, lines.Err()
}

// unreachable is client.ErrUnreachable in the phone's words.
type unreachable string

func (u unreachable) Error() string { return string(u) }

// Is finds client.ErrUnreachable.
func (u unreachable) Is(target error) bool { return target == client.ErrUnreachable }

var reportColours = map[selftest.State]rune{
	selftest.OK: green, selftest.Warning: yellow, selftest.Failed: red, selftest.Off: dim, selftest.Info: dim,
}

func printReport(w io.Writer, r selftest.Report) {
	d := r.Figures.Device
	fmt.Fprintf(w, "%s  %s\n\n", paint(bold, oneLine(d.Name)), oneLine(fmt.Sprintf("serial number %s, callbox %s", d.SN, d.Version)))
	longest := 0
	for _, row := range r.Rows {
		longest = max(longest, len(row.Name))
	}
	for _, row := range r.Rows {
		name := strings.ReplaceAll(row.Name, "_", " ")
		fmt.Fprintf(w, "%s  %s  %s\n", paint(reportColours[row.State], pad(string(row.State), 7)), pad(name, longest), oneLine(row.Says))
		if row.Remedy != "" {
			fmt.Fprintf(w, "%s  → %s\n", pad("", 9+longest), oneLine(row.Remedy))
		}
	}
	switch r.Verdict {
	case selftest.Warning:
		fmt.Fprintln(w, "\nIt works, with the drawbacks above.")
	case selftest.Failed:
		fmt.Fprintln(w, "\nThe device has not passed: see above.")
	default:
		fmt.Fprintln(w, "\nAll is well.")
	}
}
