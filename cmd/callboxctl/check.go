package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"callbox/daemon/config"
)

// checked is what check says with --json.
type checked struct {
	File   string `json:"file"`
	OK     bool   `json:"ok"`
	Unseen string `json:"unseen,omitzero"` // what this user may not look at
}

func newCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a configuration file",
		Long: `Check a configuration file with the code that the daemon starts with, and the files of
secrets and certificates that it names. All mistakes are shown at once, each with its
place. Without FILE it is the one that the daemon reads, or ` + config.DefaultFile + ` when
none runs. Exit code 78 when there are mistakes.`,
		Example: "  callboxctl check /etc/callbox/callbox.yaml",
		Args:    atMostOne("the file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			file := first(args)
			if file == "" {
				file = cmp.Or(a.configFile(cmd.Context()), config.DefaultFile)
			}
			cfg, err := config.Load(file)
			if err != nil {
				return err
			}
			err = cfg.Files(file)
			var problems config.Problems
			if errors.As(err, &problems) {
				return problems
			}
			result := checked{File: file, OK: true}
			if err != nil {
				result.Unseen = err.Error()
			}
			return a.show(result, func(w io.Writer) {
				fmt.Fprintf(w, "%s is in order\n", file)
				if err != nil {
					fmt.Fprintf(w, "but for what you may not look at; try sudo callboxctl check %s\n%v\n", file, err)
				}
			})
		},
	}
}
