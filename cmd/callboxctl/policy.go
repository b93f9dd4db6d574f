package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newPolicy(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "policy",
		Short:   "The rules: what would happen to a call",
		Long:    "The rules of contacts, groups and the configuration.",
		Example: "  callboxctl policy explain --contact Anna",
		Args:    verbsOnly,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newExplain(a))
	return cmd
}

func newExplain(a *app) *cobra.Command {
	var q control.PolicyQuery
	at, out := "", false
	cmd := &cobra.Command{
		Use:   "explain --contact NAME",
		Short: "Say what would happen to a call, and which rule decides",
		Long: `Say what would happen to a call of a contact, now or at another time: whether it is
allowed, how it is answered, how long it may take, and every rule that was looked at: yes,
no, or - where it says nothing or is not asked. Nothing is called.

A time is a time of the day (22:00, today), a date with one ("2026-11-24 22:00") or a time
of RFC 3339.`,
		Example: `  callboxctl policy explain --contact Anna
  callboxctl policy explain --contact Anna --at "2026-12-24 22:00"
  callboxctl policy explain --contact Anna --out --type voice`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if q.Contact == "" {
				return usagef("%s needs --contact NAME", cmd.CommandPath())
			}
			if q.RoomType != "voice" && q.RoomType != "video" {
				return usagef("cannot use --type %q; allowed: video, voice", q.RoomType)
			}
			if at != "" {
				t, ok := clockTime(at, time.Now())
				if !ok {
					return usagef("cannot use --at %q; write 22:00 or \"2026-11-24 22:00\"", at)
				}
				q.At = t
			}
			if out {
				q.Direction = control.Out
			}
			e, err := a.client().ExplainPolicy(cmd.Context(), q)
			if err != nil {
				return err
			}
			return a.show(e, func(w io.Writer) { printExplanation(w, e) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.Contact, "contact", "", "the contact, by `name` or thumbprint")
	f.StringVar(&at, "at", "", "what would happen at this `time`; now when it is left out")
	f.BoolVar(&out, "out", false, "the device calls the contact")
	f.StringVar(&q.RoomType, "type", "video", "video or voice")
	completes(cmd, "contact", a.names(everybody, false, true))
	completes(cmd, "type", words("video", "voice"))
	return cmd
}

func printExplanation(w io.Writer, e control.PolicyExplanation) {
	who := oneLine(e.Contact) + " calls the device"
	if e.Direction == control.Out {
		who = "the device calls " + oneLine(e.Contact)
	}
	fmt.Fprintf(w, "%s at %s, %s:\n", who, e.At.Local().Format("2006-01-02 15:04 MST"), e.RoomType)
	verdict := paint(green, "allowed")
	if !e.Allowed {
		verdict = paint(red, "not allowed")
		if e.Cause != "" {
			verdict += " (" + e.Cause + ")"
		}
	}
	fmt.Fprintf(w, "  %s: %s\n", verdict, oneLine(e.Rule))
	if e.Allowed {
		if e.Answer != "" {
			fmt.Fprintf(w, "  it is answered by: %s\n", e.Answer)
		}
		if e.LimitSeconds > 0 {
			fmt.Fprintf(w, "  it may take %s\n", spanText(e.LimitSeconds))
		}
		fmt.Fprintf(w, "  camera %s, unlock %s\n", yesNo(e.Camera), yesNo(e.Unlock))
	}
	if e.DayLeftSeconds != nil {
		fmt.Fprintf(w, "  talk left today: %s\n", cmp.Or(spanText(math.Round(*e.DayLeftSeconds)), "none"))
	}
	if !e.ClockTrusted {
		fmt.Fprintf(w, "  %s\n", paint(yellow, "the clock is not trusted: hours do not count by it"))
	}
	if len(e.Rules) == 0 {
		return
	}
	fmt.Fprintln(w, "\nThe rules, in order:")
	for _, r := range e.Rules {
		fmt.Fprintf(w, "  %s  %s  %s\n", outcomeText(r.Outcome), pad(oneLine(r.Name), 14), oneLine(r.Says))
	}
}

// outcomeText is what a rule said: yes, no, or - for nothing.
func outcomeText(outcome string) string {
	switch outcome {
	case control.OutcomeYes:
		return paint(green, "yes")
	case control.OutcomeNo:
		return paint(red, "no ")
	case control.OutcomeNothing:
		return paint(dim, "-  ")
	}
	return oneLine(outcome)
}

func yesNo(v bool) string {
	if v {
		return "yes"
	}
	return "no"
}
