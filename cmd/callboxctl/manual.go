package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
	"callbox/daemon/manual"
)

func newManual(a *app) *cobra.Command {
	date := ""
	cmd := &cobra.Command{
		Use:   "manual DIRECTORY",
		Short: "Write the manual pages of callboxctl",
		Long: `Write the manual pages of callboxctl and of all its verbs into DIRECTORY, for man(1). The
package brings them; this is for other ways to install.`,
		Example: "  callboxctl manual /usr/local/share/man/man1",
		Args:    exactly("the directory"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if date == "" {
				date = time.Now().Format(time.DateOnly)
			} else if _, err := time.Parse(time.DateOnly, date); err != nil {
				return usagef("--date %q is no date; write it like 2026-01-31", date)
			}
			pages := manual.Commands(cmd.Root(), manual.Options{
				Section: 1, Date: date, Version: control.ThisVersion().Version, Also: []string{"callboxd(8)", "callbox.yaml(5)"}, Root: manualRoot,
			})
			if err := manual.Write(args[0], pages); err != nil {
				return err
			}
			return a.done(fmt.Sprintf("%s written", count(len(pages), "page")))
		},
	}
	cmd.Flags().StringVar(&date, "date", "", "the `date` in the pages' foot (default: today)")
	return cmd
}

// manualRoot is what only the page of callboxctl itself tells.
func manualRoot(p *manual.Page) {
	p.Section("Exit status")
	for _, c := range exitCodes() {
		p.Item(fmt.Sprint(c[0]), fmt.Sprint(c[1]))
	}
	p.Section("Environment")
	p.Item("CALLBOX_CONTROL_SOCKET", "The daemon's control socket, unless --socket is given.")
	p.Item("CALLBOX_PHONE", "The program with the phone of selftest; where it is not set, the callboxd beside this program or in PATH.")
	p.Item("NO_COLOR", "Where it is set and not empty, nothing is painted.")
	p.Section("Files")
	p.Item("/run/callbox/control.sock", "The daemon's control socket, for root and the group callbox.")
	p.Item("/etc/callbox/callbox.yaml", "The daemon's configuration.")
}
