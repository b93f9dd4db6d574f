package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

func newWatch(a *app) *cobra.Command {
	events, after := false, ""
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show what happens as it happens",
		Long: `Show what happens as it happens, until Ctrl-C. In a terminal it is a live view: the call,
the time that is left, how well it flows, the last events. Elsewhere, or with --events,
it is one line an event, the present state first; with --json one JSON object a line. The
lines leave out calling, which comes each second of a talk.

The lines end with exit code 3 when the daemon stops; the live view waits for it.
--after resumes behind an event, by its id (EPOCH-SEQ); what is missing is told.`,
		Example: `  callboxctl watch
  callboxctl watch --events | grep --line-buffered ringing
  callboxctl watch --json | jq --unbuffered -r .eventName`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			from, err := control.ParsePosition(after)
			if err != nil {
				return usageError{err}
			}
			if !a.json && !events && after == "" && isTerminal(a.out) {
				return a.watchLive(cmd.Context())
			}
			enc := json.NewEncoder(a.out)
			enc.SetEscapeHTML(false)
			err = a.client().Watch(cmd.Context(), client.WatchOptions{After: from}, func(ev control.Event) error {
				if a.json {
					return enc.Encode(ev)
				}
				if ev.Name == control.EventCalling {
					return nil
				}
				return a.show(nil, func(w io.Writer) { fmt.Fprintln(w, eventLine(ev)) })
			})
			if err == nil && cmd.Context().Err() == nil {
				return client.ErrStopped
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&events, "events", false, "one line an event, in a terminal, too")
	cmd.Flags().StringVar(&after, "after", "", "resume behind the event with this `id`")
	return cmd
}

// eventColours are those of the events that somebody should see.
var eventColours = map[string]rune{
	control.EventRinging: green, control.EventStartVoip: green, control.EventReconnected: green, control.EventDeviceBack: green,
	control.EventReconnecting: yellow, control.EventLimitWarning: yellow, control.EventRefused: yellow, control.EventMissed: yellow,
	control.EventAbortVoip: red, control.EventJoinFailCaller: red, control.EventJoinFailListener: red,
	control.EventDeviceLost: red, control.EventPairingAlarm: red,
}

// eventWords say what the names of the WeChat plug-in mean that mislead or that do not
// speak for themselves.
var eventWords = map[string]string{
	control.EventHangOnVoip: "answered",
	control.EventStartVoip:  "the talk begins",
	control.EventHangUpVoip: "hung up",
	control.EventEndVoip:    "the call ends",
	control.EventFinishVoip: "the call is over",
}

// eventLine writes an event for a person.
func eventLine(ev control.Event) string {
	line := ev.Time.Local().Format(time.TimeOnly) + "  "
	if ev.Name == control.EventStatus {
		var s control.Status
		if json.Unmarshal(ev.Data, &s) == nil {
			line += oneLine(s.Name) + " is " + s.State
			if s.Call != nil {
				line += ": " + callText(s.Call)
			}
			return line
		}
	}
	name := pad(oneLine(ev.Name), 14)
	if mark, ok := eventColours[ev.Name]; ok {
		name = paint(mark, name)
	}
	words := eventWords[ev.Name]
	if words != "" {
		words += "  "
	}
	return strings.TrimRight(line+name+"  "+words+payloadText(ev.Data), " ")
}

// payloadText writes the members of a payload, in the order of the alphabet.
func payloadText(raw json.RawMessage) string {
	var data map[string]json.RawMessage
	if json.Unmarshal(raw, &data) != nil {
		return ""
	}
	words := make([]string, 0, len(data))
	for name, value := range data {
		text := string(value)
		var plainText string
		if json.Unmarshal(value, &plainText) == nil {
			text = plainText
		}
		if text != "" && text != "null" {
			words = append(words, oneLine(name)+"="+oneLine(text))
		}
	}
	slices.Sort(words)
	return strings.Join(words, " ")
}
