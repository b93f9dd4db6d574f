package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newData(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "data",
		Short:   "The maker's own messages: send one, answer one",
		Long:    "Send the maker's own message to the phone of the running call, or answer one of the phone's.",
		Example: "  callboxctl data send '{\"light\":\"on\"}'",
		Args:    verbsOnly,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newDataSend(a), newDataAnswer(a))
	return cmd
}

func newDataSend(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "send JSON",
		Short: "Send a message to the phone and wait for its answer",
		Long: `Send the maker's own message to the phone of the running call and wait for its answer,
at most 5 s. Exit code 7 when the phone did not take it.`,
		Example: "  callboxctl data send '{\"light\":\"on\"}'\n  callboxctl data send '\"ping\"'",
		Args:    exactly("the message, as JSON"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !json.Valid([]byte(args[0])) {
				return usagef("cannot send %q: it is not JSON; a word needs quotes of its own: '\"ping\"'", args[0])
			}
			result, err := a.client().SendData(cmd.Context(), json.RawMessage(args[0]))
			if err != nil {
				return err
			}
			err = a.show(result, func(w io.Writer) {
				if result.Error == "" {
					fmt.Fprintln(w, "the phone has taken it")
				} else {
					fmt.Fprintf(w, "the phone has not taken it: %s\n", oneLine(result.Error))
				}
			})
			if err == nil && result.Error != "" {
				return outcome(exitNotTaken)
			}
			return err
		},
	}
}

func newDataAnswer(a *app) *cobra.Command {
	answer := control.DataAnswer{}
	cmd := &cobra.Command{
		Use:   "answer ID",
		Short: "Answer a data or unlock event",
		Long: `Answer a data or unlock event, by the id in it, within 3 s. Somebody must have promised
to: a program that watches with ?handle=data (` + control.Guide("api.md") + `).`,
		Example: "  callboxctl data answer 1kq9…\n  callboxctl data answer 1kq9… --error forbidden",
		Args:    exactly("the id of the event"),
		RunE: func(cmd *cobra.Command, args []string) error {
			answer.ID = args[0]
			if err := a.client().AnswerData(cmd.Context(), answer); err != nil {
				return err
			}
			return a.done("answered")
		},
	}
	cmd.Flags().StringVar(&answer.Error, "error", "", "say no: forbidden, badRequest or noHandler")
	completes(cmd, "error", words("forbidden", "badRequest", "noHandler"))
	return cmd
}
