package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
	"callbox/signaling/cause"
)

func newCalls(a *app) *cobra.Command {
	var since, until, why string
	var q control.CallQuery
	var asCSV bool
	limit := 20
	cmd := &cobra.Command{
		Use:        "calls",
		SuggestFor: []string{"records", "record", "history"},
		Short:      "List the call records, newest first",
		Long: `List the call records, newest first. With --since or --until all of that time are
shown, otherwise the newest 20; --limit says how many.

` + whenHelp,
		Example: `  callboxctl calls --since 24h
  callboxctl calls --since 2026-11-01 --until 2026-12-01 --csv > november.csv
  callboxctl calls --contact Anna --cause timeout`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if q.Since, err = whenOf("since", since, time.Now()); err != nil {
				return err
			}
			if q.Until, err = whenOf("until", until, time.Now()); err != nil {
				return err
			}
			q.Cause = cause.Cause(why)
			if why != "" && q.Cause != control.Running && !q.Cause.Valid() {
				return usagef("there is no cause %q; %s lists them", why, control.Guide("causes.md"))
			}
			switch named := cmd.Flags().Changed("limit"); {
			case named && (limit < 1 || limit > 1000):
				return usagef("cannot use --limit %d; allowed: 1 to 1000", limit)
			case named || (since == "" && until == ""):
				q.Limit = limit
			}
			if asCSV && a.json {
				return usagef("--csv and --json exclude each other")
			}
			calls, err := a.client().Calls(cmd.Context(), q)
			if err != nil {
				return err
			}
			if asCSV {
				return writeCSV(a.out, calls)
			}
			return a.show(calls, func(w io.Writer) {
				if len(calls) == 0 {
					fmt.Fprintln(w, noCalls(q))
					return
				}
				printCalls(w, calls)
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&since, "since", "", "started at this `time` or later")
	f.StringVar(&until, "until", "", "started before this `time`")
	f.StringVar(&q.Contact, "contact", "", "with this contact, by `name` or thumbprint")
	f.StringVar(&why, "cause", "", "that ended by this `cause`, or running")
	f.IntVar(&limit, "limit", limit, "how many, 1 to 1000")
	f.BoolVar(&asCSV, "csv", false, "print CSV (RFC 4180), times as RFC 3339; before a name that a spreadsheet would take for a formula stands '")
	completes(cmd, "contact", a.names(everybody, false, true))
	causes := []string{string(control.Running) + "\tThe call has not ended."}
	for _, e := range cause.Registry() {
		causes = append(causes, string(e.Cause)+"\t"+e.Meaning)
	}
	completes(cmd, "cause", words(causes...))
	return cmd
}

// noCalls is what there is to say of an empty list.
func noCalls(q control.CallQuery) string {
	if q.Since.IsZero() && q.Until.IsZero() && q.Contact == "" && q.Cause == "" {
		return "There is no call record yet."
	}
	if q.Contact != "" {
		return fmt.Sprintf("There is no such call with %q; callboxctl contacts lists the contacts.", clean(q.Contact))
	}
	return "There is no such call."
}

func printCalls(w io.Writer, calls []control.Record) {
	table(w, func(t io.Writer) {
		fmt.Fprintln(t, "STARTED\tWAY\tCONTACT\tTYPE\tTALKED\tLINK\tEND")
		for _, c := range calls {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Started.Local().Format(time.DateTime),
				c.Direction, oneLine(c.Contact), c.RoomType, clockText(int(c.TalkSeconds)), linkCell(c), endText(c.Cause, c.Origin, c.Detail)+failureText(c.Failure)+repeatedText(c.Times))
		}
	})
}

// linkCell is how well it went, and which devices were missed.
func linkCell(c control.Record) string {
	var parts []string
	if text := talkLinkText(c.Link); text != "" {
		parts = append(parts, text)
	}
	for _, d := range c.Lost {
		text := "no " + oneLine(d.Kind)
		if d.Back {
			text += " for a time"
		}
		if !slices.Contains(parts, text) { // of two cameras
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, ", ")
}

// failureText says why media failed.
func failureText(why string) string {
	if why == "" {
		return ""
	}
	return ": " + oneLine(why)
}

// talkLinkText says in short how well it went: enough to tell the network from the rest.
func talkLinkText(l *control.TalkLink) string {
	if l == nil {
		return ""
	}
	text := fmt.Sprintf("loss %s, %s", percent(max(l.SendLoss, l.ReceiveLoss)), roundTrip(l.RTTMilliseconds))
	if l.LocalCandidate == "relay" || l.RemoteCandidate == "relay" {
		text += ", relayed"
	}
	if l.Freezes > 0 {
		text += ", " + count(int(l.Freezes), "freeze")
	}
	if l.Reconnects > 0 {
		text += fmt.Sprintf(", lost %s", times(int(l.Reconnects)))
	}
	return text
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// endText is the cause, with what stands beside it.
func endText(c cause.Cause, o cause.Origin, d cause.Detail) string {
	text := string(c)
	if c == "" {
		text = "running"
	}
	if o != "" {
		text += " (" + string(o) + ")"
	}
	if d != "" {
		text += " (" + string(d) + ")"
	}
	return text
}

// repeatedText says how often a call was refused in a row.
func repeatedText(n int) string {
	if n < 2 {
		return ""
	}
	return fmt.Sprintf(", %d times", n)
}

// writeCSV writes one record a line, for a spreadsheet or a script.
func writeCSV(w io.Writer, calls []control.Record) error {
	out := csv.NewWriter(w)
	rows := [][]string{{"started", "answered", "ended", "direction", "contact", "phone", "roomType",
		"ringSeconds", "talkSeconds", "limitSeconds", "cause", "origin", "detail", "roomId", "groupId", "id", "times",
		"sendBitrate", "receiveBitrate", "sendLoss", "receiveLoss", "rttMilliseconds", "freezes", "reconnects", "concealedSeconds", "sendCodec", "localCandidate", "remoteCandidate", "cpu", "failure", "lost"}}
	for _, c := range calls {
		row := []string{stamp(c.Started), stamp(c.Answered), stamp(c.Ended), c.Direction, cell(c.Contact), c.Phone, c.RoomType,
			decimal(c.RingSeconds), decimal(c.TalkSeconds), decimal(c.LimitSeconds), string(c.Cause), string(c.Origin), string(c.Detail), c.RoomID, c.GroupID, c.ID, strconv.Itoa(max(c.Times, 1))}
		rows = append(rows, append(append(row, linkCells(c.Link)...), cell(c.Failure), lostCell(c.Lost)))
	}
	return out.WriteAll(rows)
}

// lostCell names the devices that were gone: camera usb-Cam; sound none,0.
func lostCell(lost []control.LostDevice) string {
	names := make([]string, len(lost))
	for i, d := range lost {
		names[i] = d.Kind + " " + clean(d.Name)
	}
	return strings.Join(names, "; ")
}

// linkCells are empty where there was no talk.
func linkCells(l *control.TalkLink) []string {
	if l == nil {
		return make([]string, 12)
	}
	return []string{
		decimal(l.SendBitrate), decimal(l.ReceiveBitrate), decimal(l.SendLoss), decimal(l.ReceiveLoss), decimal(l.RTTMilliseconds),
		strconv.FormatUint(l.Freezes, 10), strconv.FormatUint(l.Reconnects, 10), decimal(l.ConcealedSeconds), l.SendCodec, l.LocalCandidate, l.RemoteCandidate, decimal(l.CPU),
	}
}

// cell is text of a stranger for a spreadsheet, which takes what begins so for a
// formula and may run it (OWASP, CSV Injection). The names of rooms cannot hold one.
func cell(text string) string {
	text = clean(text)
	if text != "" && strings.ContainsRune("=+-@\t\r\n=+-@", []rune(text)[0]) {
		return "'" + text
	}
	return text
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.RFC3339)
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
