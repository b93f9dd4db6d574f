package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newWatch(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "watch",
		Short: "Show every event as it happens",
		Long:  "Show every event as it happens, until Ctrl-C. The first line is the present state. With --json, one JSON object a line.",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			enc := json.NewEncoder(a.out)
			enc.SetEscapeHTML(false)
			return a.client().Watch(cmd.Context(), func(ev control.Event) error {
				if a.json {
					return enc.Encode(ev)
				}
				_, err := fmt.Fprintln(a.out, eventLine(ev))
				return err
			})
		},
	}
}

// eventLine writes an event for a person.
func eventLine(ev control.Event) string {
	line := ev.Time.Local().Format(time.TimeOnly) + "  "
	if ev.Name == "status" {
		var s control.Status
		if json.Unmarshal(ev.Data, &s) == nil {
			return line + s.Name + " is " + s.State
		}
	}
	line += fmt.Sprintf("%-14s", ev.Name)
	var data map[string]any
	if json.Unmarshal(ev.Data, &data) == nil {
		words := make([]string, 0, len(data))
		for k, v := range data {
			if v == "" || v == nil {
				continue
			}
			words = append(words, fmt.Sprintf("%s=%v", k, v))
		}
		slices.Sort(words)
		line += "  " + strings.Join(words, " ")
	}
	return strings.TrimRight(line, " ")
}
