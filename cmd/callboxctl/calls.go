package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newCalls(a *app) *cobra.Command {
	limit := 20
	cmd := &cobra.Command{
		Use:   "calls",
		Short: "List the call records, newest first",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 1 || limit > 1000 {
				return usageError{fmt.Errorf("cannot use --limit %d; allowed: 1 to 1000", limit)}
			}
			calls, err := a.client().Calls(cmd.Context(), limit)
			if err != nil {
				return err
			}
			return a.show(calls, func(w io.Writer) {
				if len(calls) == 0 {
					fmt.Fprintln(w, "There has been no call yet.")
					return
				}
				t := table(w)
				fmt.Fprintln(t, "STARTED\tCONTACT\tTYPE\tTALKED\tEND")
				for _, c := range calls {
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", c.Started.Local().Format("2006-01-02 15:04:05"),
						c.Contact, c.RoomType, clockText(int(c.TalkSeconds)), endText(c))
				}
				_ = t.Flush() // a terminal that is gone has nobody to tell
			})
		},
	}
	cmd.Flags().IntVar(&limit, "limit", limit, "how many, 1 to 1000")
	return cmd
}

func endText(c control.Record) string {
	if c.Cause == "" {
		return "running"
	}
	text := string(c.Cause)
	if c.Origin != "" {
		text += " (" + string(c.Origin) + ")"
	}
	if c.Detail != "" {
		text += " (" + string(c.Detail) + ")"
	}
	return text
}
