package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newDND(a *app) *cobra.Command {
	var span time.Duration
	until := ""
	cmd := &cobra.Command{
		Use:   "dnd [on|off]",
		Short: "Do not disturb: show it, turn it on or off",
		Long: `Show whether do-not-disturb is on, or turn it on or off. While it is on, callers are told
dnd and nothing rings; a running call goes on.`,
		Example: `  callboxctl dnd
  callboxctl dnd on --for 2h
  callboxctl dnd on --until "2026-11-25 07:00"
  callboxctl dnd off`,
		ValidArgs: []string{"on", "off"},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneWord("on", "off")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			end, err := dndEnd(first(args), cmd.Flags().Changed("for"), span, until)
			if err != nil {
				return err
			}
			var d control.DND
			if len(args) == 0 {
				d, err = a.client().DND(cmd.Context())
			} else {
				d, err = a.client().SetDND(cmd.Context(), control.DND{On: args[0] == "on", Until: end})
			}
			if err != nil {
				return err
			}
			return a.show(d, func(w io.Writer) { fmt.Fprintf(w, "do not disturb is %s\n", dndText(d)) })
		},
	}
	spanVar(cmd.Flags(), &span, "for", 0, "turn it off again after so long, like 2h")
	cmd.Flags().StringVar(&until, "until", "", "turn it off again at this `time`: 07:00 (the next one), or a date with a time")
	return cmd
}

// dndEnd is when do-not-disturb ends by the flags; zero: never.
func dndEnd(word string, forSet bool, span time.Duration, until string) (time.Time, error) {
	now := time.Now()
	switch {
	case !forSet && until == "":
		return time.Time{}, nil
	case word != "on":
		return time.Time{}, usagef("--for and --until belong to dnd on")
	case forSet && until != "":
		return time.Time{}, usagef("--for and --until exclude each other")
	case forSet && span <= 0:
		return time.Time{}, usagef("cannot use --for %v: it must be a time like 2h", span)
	case forSet:
		return now.Add(span), nil
	}
	end, ok := clockTime(until, now)
	if !ok {
		return end, usagef("cannot use --until %q; write 07:00 or \"2026-11-25 07:00\"", until)
	}
	if _, err := time.Parse("15:04", until); err == nil && !end.After(now) {
		end = end.AddDate(0, 0, 1)
	}
	return end, nil
}

func dndText(d control.DND) string {
	switch {
	case !d.On:
		return "off"
	case d.Until.IsZero():
		return "on"
	}
	return "on until " + d.Until.Local().Format("2006-01-02 15:04")
}
