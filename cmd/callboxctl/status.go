package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newStatus(a *app) *cobra.Command {
	devicesOnly := false
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what the device is doing",
		Long:  "Show what the device is doing: the running call, the hardware in use, the addresses that phones reach it by, and how many messages were refused for which reason.",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := a.client().Status(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(status, func(w io.Writer) {
				t := table(w)
				printDevices(t, status)
				if !devicesOnly {
					printState(t, status)
				}
				_ = t.Flush() // a terminal that is gone has nobody to tell
			})
		},
	}
	cmd.Flags().BoolVar(&devicesOnly, "devices", false, "only the name and the hardware")
	return cmd
}

func table(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 4, 2, ' ', 0) }

func printState(t io.Writer, s control.Status) {
	fmt.Fprintf(t, "State\t%s\n", s.State)
	if c := s.Call; c != nil {
		fmt.Fprintf(t, "Call\t%s with %s%s\n", c.RoomType, c.Contact, callTimes(c))
		fmt.Fprintf(t, "Room\t%s\n", c.RoomID)
	}
	for _, tr := range s.Transports {
		state := "up"
		if !tr.Up {
			state = "down"
		}
		line := fmt.Sprintf("%s, %s connected", state, count(tr.Phones, "phone"))
		if tr.Detail != "" {
			line += ", " + tr.Detail
		}
		fmt.Fprintf(t, "Transport %s\t%s\n", tr.Name, line)
		for _, u := range tr.URLs {
			fmt.Fprintf(t, "\t%s\n", u)
		}
	}
	fmt.Fprintf(t, "Contacts\t%d\n", s.Contacts)
	if s.Pairing != nil {
		fmt.Fprintf(t, "Pairing\topen until %s\n", s.Pairing.Expires.Local().Format(time.TimeOnly))
	}
	fmt.Fprintf(t, "Refused\t%s\n", refused(s.Refused))
	fmt.Fprintf(t, "Version\t%s, up %s\n", s.Version, time.Duration(s.UptimeSeconds*float64(time.Second)).Round(time.Second))
}

func printDevices(t io.Writer, s control.Status) {
	fmt.Fprintf(t, "Device\t%s (%s)\n", s.Name, s.Address)
	for _, d := range s.Devices {
		name := d.Name
		if name == "" {
			name = "none"
		}
		if d.Reason != "" {
			name += " (" + d.Reason + ")"
		}
		fmt.Fprintf(t, "%s%s\t%s\n", strings.ToUpper(d.Kind[:1]), d.Kind[1:], name)
	}
}

func callTimes(c *control.Call) string {
	switch {
	case c.State == "ringing":
		return ", ringing since " + c.Since.Local().Format(time.TimeOnly)
	case c.LimitSeconds > 0:
		return fmt.Sprintf(", %s, %s left", clockText(c.TalkSeconds), clockText(int(c.RemainingSeconds)))
	}
	return ", " + clockText(c.TalkSeconds)
}

// clockText writes seconds as m:ss or h:mm:ss.
func clockText(seconds int) string {
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func refused(counts map[string]uint64) string {
	reasons := make([]string, 0, len(counts))
	for reason, n := range counts {
		if n > 0 {
			reasons = append(reasons, fmt.Sprintf("%s %d", reason, n))
		}
	}
	if len(reasons) == 0 {
		return "nothing"
	}
	slices.Sort(reasons)
	return strings.Join(reasons, ", ")
}
