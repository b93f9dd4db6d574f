package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"callbox/daemon/config"
)

func newCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a configuration file",
		Long: `Check a configuration file with the code that the daemon starts with, and open the
secrets and certificates that it names: as root, or as the daemon's user. All mistakes are
shown at once, each with its place. A systemd credential is not looked at.

Without FILE it is the one that the daemon reads, or ` + config.DefaultFile + ` when
none runs. Exit code 78 when there are mistakes.`,
		Example: "  callboxctl check /etc/callbox/callbox.yaml",
		Args:    atMostOne("the file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := first(args)
			if file == "" {
				file = cmp.Or(a.configFile(cmd.Context()), config.DefaultFile)
			}
			if _, err := config.LoadFiles(file); err != nil {
				return err
			}
			return a.show(map[string]any{"file": file, "ok": true}, func(w io.Writer) {
				fmt.Fprintf(w, "%s is in order\n", file)
			})
		},
	}
}
