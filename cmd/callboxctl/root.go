package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

// The exit codes, for scripts; --help lists them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
	exitNoSuch      = 4
	exitConfig      = 78 // sysexits.h: EX_CONFIG
)

// app is what every verb needs.
type app struct {
	out, err io.Writer
	socket   string
	json     bool
}

func (a *app) client() *client.Client { return client.New(a.socket) }

// show writes v as JSON, or leaves it to human to write for a person.
func (a *app) show(v any, human func(w io.Writer)) error {
	if !a.json {
		human(a.out)
		return nil
	}
	a.encode(a.out, v)
	return nil
}

// encode writes v as JSON for people and programs. Where writing fails nobody
// reads any more.
func (a *app) encode(w io.Writer, v any) {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // as above
}

// done says in one line that something was done.
func (a *app) done(text string) error {
	return a.show(struct{}{}, func(w io.Writer) { fmt.Fprintln(w, text) })
}

// usageError is a mistake in the words of the command.
type usageError struct{ error }

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	a := &app{out: out, err: errs}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	if err == nil || errors.Is(err, context.Canceled) {
		return exitOK
	}
	code := exitCode(err)
	a.complain(err, code)
	return code
}

func exitCode(err error) int {
	var usage usageError
	var problems config.Problems
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &problems):
		return exitConfig
	case errors.Is(err, client.ErrUnreachable):
		return exitUnreachable
	case errors.Is(err, control.ErrNoCall), errors.Is(err, control.ErrNotRinging), errors.Is(err, control.ErrNoContact):
		return exitNoSuch
	}
	return exitFailed
}

// complain says what went wrong and what to do about it.
func (a *app) complain(err error, code int) {
	var problems config.Problems
	if errors.As(err, &problems) {
		if a.json {
			a.encode(a.err, map[string]any{"ok": false, "problems": problems})
		} else {
			fmt.Fprintln(a.err, problems)
		}
		return
	}
	if a.json {
		e := &control.Error{Code: "failed", Message: err.Error()}
		var fromDaemon *control.Error
		if errors.As(err, &fromDaemon) {
			e = fromDaemon
		} else if code == exitUnreachable {
			e.Code = "unreachable"
		}
		a.encode(a.err, map[string]*control.Error{"error": e})
		return
	}
	fmt.Fprintf(a.err, "callboxctl: %v\n", err)
	switch code {
	case exitUnreachable:
		fmt.Fprintln(a.err, "Is it running?  systemctl status callbox\nAnother socket? callboxctl --socket PATH, or CALLBOX_CONTROL_SOCKET")
		if os.Geteuid() != 0 {
			fmt.Fprintln(a.err, "May you use it? the socket is for root and the group callbox")
		}
	case exitUsage:
		fmt.Fprintln(a.err, "callboxctl --help lists the verbs.")
	}
}

const rootHelp = `callboxctl controls the callbox daemon of this machine.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the daemon does not answer,
4 no such call or contact, 78 the configuration has mistakes.`

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "callboxctl",
		Short:         "Control the callbox daemon of this machine",
		Long:          rootHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("there is no verb %q", args[0])}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	socket := config.Default().Control.Socket
	if s := os.Getenv("CALLBOX_CONTROL_SOCKET"); s != "" {
		socket = s
	}
	root.PersistentFlags().StringVar(&a.socket, "socket", socket, "the daemon's control `socket`")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newStatus(a), newWatch(a), newAnswer(a), newReject(a), newHangUp(a), newMute(a), newCamera(a),
		newPair(a), newContacts(a), newCalls(a), newCheck(a), newVersion(a),
	)
	return root
}

// none refuses arguments; exactly wants n of them, named for the error.
func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("%s takes no argument; there is %q", cmd.CommandPath(), args[0])}
	}
	return nil
}

func atMostOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usageError{fmt.Errorf("%s takes at most one argument: %s", cmd.CommandPath(), what)}
		}
		return nil
	}
}
