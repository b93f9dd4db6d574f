package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"callbox/daemon/config"
	"callbox/daemon/control/client"
)

// app is what every verb needs.
type app struct {
	in       io.Reader
	out, err io.Writer
	socket   string // as it was named; see at
	json     bool
	colours  bool
}

func (a *app) client() *client.Client { return client.New(a.at()) }

// show writes v as JSON, or leaves it to human to write for a person. human must
// clean what comes from strangers; it may paint.
func (a *app) show(v any, human func(w io.Writer)) error {
	if a.json {
		a.encode(a.out, v)
		return nil
	}
	var b strings.Builder
	human(&b)
	fmt.Fprint(a.out, dye(b.String(), a.colours))
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

// table writes columns; rows are separated by new lines, cells by tabulators. Only
// the last cell of a row may be painted.
func table(w io.Writer, rows func(t io.Writer)) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	rows(t)
	_ = t.Flush() // a terminal that is gone has nobody to tell
}

func run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	a := &app{in: in, out: out, err: errs, colours: wantsColour(out)}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil || errors.Is(err, context.Canceled) {
		return exitOK
	}
	code := exitCode(err)
	a.complain(err, code, cmd)
	return code
}

const rootHelp = `callboxctl controls the callbox daemon of this machine: the calls, who may call, and
what the device is made of. It speaks to the daemon over a socket that root and the
group callbox may use.

With --json every verb prints JSON, and errors as {"error": {"code", "message"}}.
callboxctl help exit-codes lists the exit codes.`

// The groups of the verbs in the help.
const (
	groupCall   = "call"
	groupPeople = "people"
	groupDevice = "device"
	groupCare   = "care"
)

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:           "callboxctl",
		Short:         "Control the callbox daemon of this machine",
		Long:          rootHelp,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          verbsOnly,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVar(&a.socket, "socket", "", "the daemon's control `socket` (default: $"+socketVariable+", then control.socket of "+config.DefaultFile+")")
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	for _, g := range []struct {
		id, title string
		verbs     []*cobra.Command
	}{
		{groupCall, "Calls:", []*cobra.Command{
			newStatus(a), newWatch(a), newCall(a), newAnswer(a), newReject(a), newHangUp(a), newMute(a), newCamera(a),
			newData(a), newCalls(a), newDND(a),
		}},
		{groupPeople, "People:", []*cobra.Command{newPair(a), newContacts(a), newPolicy(a), newToken(a)}},
		{groupDevice, "The device:", []*cobra.Command{newDevices(a), newVolume(a), newSnapshot(a), newClock(a)}},
		{groupCare, "Care:", []*cobra.Command{
			newDoctor(a), newSelftest(a), newCheck(a), newReload(a), newIdle(a), newIdentity(a), newMetrics(a), newBugReport(a), newVersion(a),
			newCompletion(a), newManual(a),
		}},
	} {
		root.AddGroup(&cobra.Group{ID: g.id, Title: g.title})
		for _, verb := range g.verbs {
			verb.GroupID = g.id
			root.AddCommand(verb)
		}
	}
	root.SetHelpCommandGroupID(groupCare)
	refuseUnknownTopics(root)
	a.wrapHelp(root)
	root.AddCommand(&cobra.Command{Use: "exit-codes", Short: "The exit codes, for scripts", Long: exitCodesHelp()})
	return root
}

// refuseUnknownTopics lets help say that it does not know a topic, where it would list all
// verbs.
func refuseUnknownTopics(root *cobra.Command) {
	root.InitDefaultHelpCmd()
	help, _, err := root.Find([]string{"help"})
	if err != nil {
		return // there is no such verb: nothing to refuse
	}
	show := help.Run
	help.Run, help.RunE = nil, func(cmd *cobra.Command, args []string) error {
		found, rest, err := root.Find(args)
		if err == nil && found == root && len(rest) > 0 {
			err = fmt.Errorf("%w; the topics are the verbs, and exit-codes", verbsOnly(root, rest))
		}
		if err != nil {
			return usageError{err}
		}
		show(cmd, args)
		return nil
	}
}

// verbsOnly refuses what is no verb, and says which one may be meant.
func verbsOnly(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		return usagef("%s has no verb %q; did you mean %s?", cmd.CommandPath(), args[0], strings.Join(near, " or "))
	}
	return usagef("%s has no verb %q", cmd.CommandPath(), args[0])
}

// none refuses arguments.
func none(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("%s takes no argument; there is %q", cmd.CommandPath(), args[0])
	}
	return nil
}

func atMostOne(what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 1 {
			return usagef("%s takes at most one argument: %s", cmd.CommandPath(), what)
		}
		return nil
	}
}

// exactly wants arguments, named for the error.
func exactly(what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != len(what) {
			number := map[int]string{1: "one argument", 2: "two arguments"}[len(what)]
			return usagef("%s takes %s: %s", cmd.CommandPath(), number, strings.Join(what, " and "))
		}
		return nil
	}
}

// oneWord wants one of words.
func oneWord(words ...string) cobra.PositionalArgs {
	list := strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
	return func(cmd *cobra.Command, args []string) error {
		for _, w := range words {
			if len(args) == 1 && args[0] == w {
				return nil
			}
		}
		return usagef("%s takes one word: %s", cmd.CommandPath(), list)
	}
}
