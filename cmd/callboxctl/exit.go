package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/signaling/cause"
)

// The exit codes, for scripts. Those of a call's cause stand in the registry.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitNoSuch      = 4
	exitNotNow      = 5
	exitUnwell      = 6
	exitNotTaken    = 7
	exitConfig      = config.ExitCode
	exitInterrupted = 130 // as a shell says of a program that Ctrl-C ended
)

// exitCodes is the one place where they are explained.
func exitCodes() [][2]any {
	codes := [][2]any{
		{exitOK, "Done; of a call that was waited for: one side hung up."},
		{exitFailed, "It failed for another reason; the message says which."},
		{exitUsage, "The command is not written as it should be."},
		{exitUnreachable, "The daemon does not answer, or stopped meanwhile."},
		{exitNoSuch, "There is no such call, contact or part, or the call does not ring."},
		{exitNotNow, "A rule forbids it, or it is not possible now."},
		{exitUnwell, "doctor has found a problem, or a figure of selftest has failed."},
		{exitNotTaken, "The phone did not take the data."},
	}
	for _, e := range cause.Registry() {
		if e.ExitCode != exitOK {
			codes = append(codes, [2]any{e.ExitCode, "The call ended: " + string(e.Cause) + ". " + e.Meaning})
		}
	}
	return append(codes,
		[2]any{exitConfig, "The configuration has mistakes."},
		[2]any{exitInterrupted, "Ctrl-C, while waiting for a call, which goes on; that of selftest ends."})
}

func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("The exit codes of callboxctl, for scripts:\n\n")
	for _, c := range exitCodes() {
		fmt.Fprintf(&b, "  %3d  %s\n", c[0], c[1])
	}
	return b.String()
}

// anotherSocket is said where nobody answers.
const anotherSocket = "Another socket? callboxctl --socket PATH, or CALLBOX_CONTROL_SOCKET"

// usageError is a mistake in the words of the command.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// outcome is an exit code about which everything has been said.
type outcome int

func (o outcome) Error() string { return fmt.Sprintf("exit code %d", int(o)) }

func exitCode(err error) int {
	var usage usageError
	var problems config.Problems
	var said outcome
	switch {
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &problems), errors.Is(err, control.ErrBadConfig):
		return exitConfig
	case errors.Is(err, client.ErrUnreachable):
		return exitUnreachable
	}
	for _, e := range []*control.Error{control.ErrNoCall, control.ErrNotRinging, control.ErrNoContact, control.ErrNoDevice, control.ErrNoData, control.ErrNoDenial} {
		if errors.Is(err, e) {
			return exitNoSuch
		}
	}
	for _, e := range []*control.Error{control.ErrNotAllowed, control.ErrBusy, control.ErrNoTransport, control.ErrExists} {
		if errors.Is(err, e) {
			return exitNotNow
		}
	}
	return exitFailed
}

// causeCode is the exit code of a call that was waited for.
func causeCode(c cause.Cause) int {
	for _, e := range cause.Registry() {
		if e.Cause == c {
			return e.ExitCode
		}
	}
	return exitFailed
}

// complain says what went wrong and what to do about it.
func (a *app) complain(err error, code int, cmd *cobra.Command) {
	var said outcome
	if errors.As(err, &said) {
		return
	}
	var problems config.Problems
	var fromDaemon *control.Error
	switch {
	case errors.As(err, &problems) && a.json:
		a.encode(a.err, map[string]any{"ok": false, "problems": problems})
		return
	case errors.As(err, &problems):
		fmt.Fprintln(a.err, clean(problems.Error()))
		return
	case a.json:
		e := &control.Error{Code: "failed", Message: err.Error()}
		if errors.As(err, &fromDaemon) {
			e = fromDaemon
		} else if code == exitUnreachable {
			e.Code = "unreachable"
		} else if code == exitUsage {
			e.Code = "usage"
		}
		a.encode(a.err, map[string]*control.Error{"error": e})
		return
	}
	fmt.Fprintf(a.err, "callboxctl: %s\n", clean(err.Error()))
	if errors.As(err, &fromDaemon) {
		for _, p := range fromDaemon.Problems {
			fmt.Fprintln(a.err, clean(config.Problem(p).String()))
		}
	}
	switch code {
	case exitUnreachable:
		a.explainUnreachable(err)
	case exitUsage:
		what := "lists the verbs."
		if !cmd.HasSubCommands() {
			what = "says how it is written."
		}
		fmt.Fprintf(a.err, "%s --help %s\n", cmd.CommandPath(), what)
	}
}

func (a *app) explainUnreachable(err error) {
	if errors.Is(err, os.ErrPermission) {
		fmt.Fprintln(a.err, "The socket is for root and the group callbox:  sudo usermod -aG callbox $USER, then log in anew")
		return
	}
	fmt.Fprintln(a.err, "Is it running?  systemctl status callbox\n"+anotherSocket+"\nWhat is wrong?  callboxctl doctor")
}

// ended turns the end of waiting into an exit code: Ctrl-C is one of its own.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return outcome(exitInterrupted)
	}
	return err
}
