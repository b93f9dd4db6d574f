package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newStatus(a *app) *cobra.Command {
	devicesOnly := false
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what the device is doing",
		Long: `Show what the device is doing: the running call, the hardware in use, the addresses that
phones reach it by, the thumbprint of its key, and how many messages were refused for which
reason: ` + control.Guide("no-ring.md") + ` explains the words.`,
		Example: "  callboxctl status\n  callboxctl status --json | jq -r .state",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := a.client().Status(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(status, func(w io.Writer) {
				table(w, func(t io.Writer) {
					if !devicesOnly {
						printState(t, status)
					}
					printDevices(t, status)
					if !devicesOnly {
						printRest(t, status)
					}
				})
			})
		},
	}
	cmd.Flags().BoolVar(&devicesOnly, "devices", false, "only the name, the key's thumbprint and the hardware")
	return cmd
}

// printState shows first what somebody who is called at midnight wants to know.
func printState(t io.Writer, s control.Status) {
	fmt.Fprintf(t, "State\t%s\n", stateText(s.State))
	if c := s.Call; c != nil {
		fmt.Fprintf(t, "Call\t%s\n", callText(c))
		if c.Link != nil {
			fmt.Fprintf(t, "Link\t%s\n", linkText(c.Link))
			fmt.Fprintf(t, "\t%s\n", mediaText(c.Link))
		}
		if c.Link != nil {
			fmt.Fprintf(t, "Sending\t%s\n", sendingText(c))
		}
		fmt.Fprintf(t, "Room\t%s\n", c.RoomID)
	}
	if s.DND.On {
		fmt.Fprintf(t, "Do not disturb\t%s\n", paint(yellow, dndText(s.DND)))
	}
}

func stateText(state string) string {
	switch state {
	case "idle":
		return state
	case "reconnecting":
		return paint(yellow, state)
	}
	return paint(green, state)
}

// callText says who talks with whom, and for how long.
func callText(c *control.Call) string {
	with := c.RoomType + " with " + oneLine(c.Contact)
	switch {
	case c.State == "ringing":
		return fmt.Sprintf("%s, ringing since %s", with, c.Since.Local().Format(time.TimeOnly))
	case c.State == "dialing":
		return fmt.Sprintf("%s, %s since %s", c.RoomType, dialingText(c), c.Since.Local().Format(time.TimeOnly))
	case c.LimitSeconds > 0:
		return fmt.Sprintf("%s, %s, %s left", with, clockText(c.TalkSeconds), clockText(int(c.RemainingSeconds)))
	}
	return with + ", " + clockText(c.TalkSeconds)
}

// sendingText says what a person or a rule lets the device send, and what of it is not there.
func sendingText(c *control.Call) string {
	parts := []string{"microphone " + sends(c, "microphone", c.Microphone), "camera " + sends(c, "camera", c.Camera)}
	for _, kind := range []string{"speaker", "light"} {
		if slices.Contains(c.Missing, kind) {
			parts = append(parts, kind+" "+paint(yellow, "missing"))
		}
	}
	return strings.Join(parts, ", ")
}

// sends is on, off or, of what should be sent and is not there, missing.
func sends(c *control.Call, kind string, on bool) string {
	if on && slices.Contains(c.Missing, kind) {
		return paint(yellow, "missing")
	}
	return onOff(on)
}

// dialingText says which phones ring, and which have not been reached.
func dialingText(c *control.Call) string {
	var silent []string
	for _, name := range c.Dialing {
		if !slices.Contains(c.Reached, name) {
			silent = append(silent, name)
		}
	}
	var parts []string
	if len(c.Reached) > 0 {
		parts = append(parts, "ringing "+oneLine(strings.Join(c.Reached, ", ")))
	}
	if len(silent) > 0 {
		parts = append(parts, "calling "+oneLine(strings.Join(silent, ", "))+" (not reached yet)")
	}
	return strings.Join(parts, ", ")
}

func linkText(l *control.Link) string {
	return fmt.Sprintf("up %s (loss %s), down %s (loss %s), round trip %s",
		bitrate(l.SendBitrate), percent(l.SendLoss), bitrate(l.ReceiveBitrate), percent(l.ReceiveLoss), roundTrip(l.RTTMilliseconds))
}

// mediaText is what lies behind linkText: whether it is the network, the codec, the
// camera or the processor.
func mediaText(l *control.Link) string {
	parts := []string{wayText(l)}
	parts = append(parts, fmt.Sprintf("jitter %s up, %s down", milliseconds(l.SendJitterMilliseconds), milliseconds(l.ReceiveJitterMilliseconds)))
	if text := sentText(l); text != "" {
		if l.FramesSkipped > 0 {
			text += fmt.Sprintf(", %d skipped", l.FramesSkipped)
		}
		parts = append(parts, text)
	}
	if text := receivedText(l); text != "" {
		parts = append(parts, text)
	}
	return strings.Join(append(parts, processorText(l)), "; ")
}

// wayText is the kind of way that was chosen (RFC 8445, section 5.1.1).
func wayText(l *control.Link) string {
	if l.LocalCandidate == "" {
		return "no way yet"
	}
	return l.LocalCandidate + " to " + l.RemoteCandidate
}

// sentText is what is sent of the camera.
func sentText(l *control.Link) string {
	if l.SendCodec == "" {
		return ""
	}
	return fmt.Sprintf("%s, %.0f pictures/s", strings.ToUpper(l.SendCodec), l.FrameRate)
}

// receivedText is what became of the phone's picture and sound.
func receivedText(l *control.Link) string {
	var parts []string
	if l.ReceiveCodec != "" {
		parts = append(parts, strings.ToUpper(l.ReceiveCodec)+" shown")
	}
	if l.Freezes > 0 {
		parts = append(parts, count(int(l.Freezes), "freeze"))
	}
	if l.ConcealedSeconds > 0 {
		parts = append(parts, fmt.Sprintf("%.1f s concealed", l.ConcealedSeconds))
	}
	return strings.Join(parts, ", ")
}

func processorText(l *control.Link) string { return fmt.Sprintf("%.0f %% of a core", l.CPU*100) }

func milliseconds(ms float64) string { return fmt.Sprintf("%.0f ms", ms) }

func bitrate(v float64) string {
	if v >= 1e6 {
		return fmt.Sprintf("%.2f Mbit/s", v/1e6)
	}
	return fmt.Sprintf("%.0f kbit/s", v/1e3)
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", share*100) }

func roundTrip(ms float64) string {
	if ms == 0 {
		return "unknown"
	}
	return milliseconds(ms)
}

func printDevices(t io.Writer, s control.Status) {
	fmt.Fprintf(t, "Device\t%s (%s)\n", oneLine(s.Name), s.Address)
	fmt.Fprintf(t, "Thumbprint\t%s\n", s.Thumbprint)
	for _, d := range s.Devices {
		kind := deviceKind(d)
		fmt.Fprintf(t, "%s%s\t%s\n", strings.ToUpper(kind[:1]), kind[1:], deviceText(d))
	}
}

// deviceKind is what a device is for; there may be several buttons.
func deviceKind(d control.Device) string {
	return strings.TrimSpace(oneLine(d.Kind + " " + d.Button))
}

// deviceText is the device that was chosen; of a button first how it is.
func deviceText(d control.Device) string {
	name := oneLine(d.Name)
	switch {
	case name == "" && d.State != "":
		name = oneLine(d.State)
	case name == "":
		name = "none"
	case d.State != "":
		name = oneLine(d.State) + " on " + name
	}
	// A reason begins with what stands there already: camera "usb-Cam" is not there.
	reason := strings.TrimPrefix(strings.TrimPrefix(d.Reason, fmt.Sprintf("%s %q ", d.Kind, d.Name)), "is ")
	if why := cmp.Or(reason, d.Detail); why != "" {
		name += " (" + oneLine(why) + ")"
	}
	return name
}

func printRest(t io.Writer, s control.Status) {
	for _, tr := range s.Transports {
		state := "up"
		if !tr.Up {
			state = "down"
		}
		line := fmt.Sprintf("%s, %s connected", state, count(tr.Phones, "phone"))
		if tr.Detail != "" {
			line += ", " + oneLine(tr.Detail)
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
	fmt.Fprintf(t, "Refused\t%s\n", refusedText(s.Refused))
	fmt.Fprintf(t, "Version\t%s, up %s\n", s.Version, time.Duration(s.UptimeSeconds*float64(time.Second)).Round(time.Second))
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

// refusedText says where the words are explained when there are any.
func refusedText(counts map[string]uint64) string {
	text := refused(counts)
	if text != "nothing" {
		text += " (" + control.Guide("no-ring.md") + ")"
	}
	return text
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
