package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"callbox/daemon/config"
)

func newCheck(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check a configuration file",
		Long: `Check a configuration file with the code that the daemon starts with, and open the
secrets and certificates that it names. Root opens them with the rights of the daemon's user.
All mistakes are shown at once, each with its place. A systemd credential is not looked at.

What is no mistake but will not do what was meant, or not under the unit of the package, is
a warning.

Without FILE it is the one that the daemon reads, or ` + config.DefaultFile + ` when
none runs; where that does not exist the defaults count. Exit code 78 when there are mistakes; a
warning is none.`,
		Example: "  callboxctl check /etc/callbox/callbox.yaml",
		Args:    atMostOne("the file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			daemons := a.configFile(cmd.Context())
			file := cmp.Or(first(args), daemons, config.DefaultFile)
			read, says := file, "is in order"
			if _, err := os.Stat(file); len(args) == 0 && file == config.DefaultFile && errors.Is(err, fs.ErrNotExist) {
				read, says = "", "does not exist: the defaults count" // the daemon starts so, too
			}
			as := daemonsReader()
			_, doubts, err := config.Check(read, as)
			if err == nil && read != "" {
				err = daemonOpens(file, daemons, as)
			}
			if err != nil {
				return err
			}
			return a.show(checked{file, true, doubts}, func(w io.Writer) {
				for _, d := range doubts {
					fmt.Fprintf(w, "%s: %s\n", paint(yellow, "warning"), oneLine(d.String()))
				}
				fmt.Fprintf(w, "%s %s\n", file, says)
			})
		},
	}
}

// checked is what check says of a good configuration.
type checked struct {
	File     string          `json:"file"`
	OK       bool            `json:"ok"`
	Warnings config.Problems `json:"warnings,omitzero"`
}
