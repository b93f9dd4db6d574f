package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newReload(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Let the daemon read its configuration again",
		Long: `Let the daemon read its configuration again. A running call keeps the rules that it began
with. A configuration with mistakes changes nothing: they are listed, and the exit code is
78. Some keys count only after a restart; they are named.`,
		Example: "  callboxctl check && callboxctl reload",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := a.client().Reload(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(r, func(w io.Writer) {
				if len(r.Changed)+len(r.NeedRestart) == 0 {
					fmt.Fprintln(w, "nothing has changed")
				}
				if len(r.Changed) > 0 {
					fmt.Fprintf(w, "changed: %s\n", strings.Join(r.Changed, ", "))
				}
				if len(r.NeedRestart) > 0 {
					fmt.Fprintf(w, "%s %s\n", paint(yellow, "count after systemctl restart callbox:"), strings.Join(r.NeedRestart, ", "))
				}
			})
		},
	}
}

func newMetrics(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "metrics",
		Short:   "Print the daemon's numbers for Prometheus",
		Long:    "Print the daemon's numbers in Prometheus' text format, for node_exporter's textfile collector.\nWith --json the text stands under \"text\".",
		Example: "  callboxctl metrics > /var/lib/node_exporter/callbox.prom",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := a.client().Metrics(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(map[string]string{"text": string(text)}, func(w io.Writer) { fmt.Fprint(w, clean(string(text))) })
		},
	}
}

func newBugReport(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "bugreport [FILE|-]",
		Short: "Collect what helps to find a fault",
		Long: `Collect what helps to find a fault in one JSON document: versions, state, doctor's
findings, the configuration without secrets, the newest calls and events, metrics. Names
of people stand in it only when the configuration says so; read it before you send it.
Without FILE its name is made of the time; - writes it to the standard output.`,
		Example: "  callboxctl bugreport\n  callboxctl bugreport - | less",
		Args:    atMostOne("the file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := a.client().BugReport(cmd.Context())
			if err != nil {
				return err
			}
			file := first(args)
			if file == "" {
				file = time.Now().Format("callbox-20060102-150405.json")
			}
			var b bytes.Buffer
			if err := json.Indent(&b, raw, "", "  "); err != nil {
				return fmt.Errorf("cannot read the daemon's report: %w", err)
			}
			return a.save(file, b.Bytes())
		},
	}
}
