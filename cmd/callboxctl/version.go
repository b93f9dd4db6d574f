package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the versions of this command and of the running daemon",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			versions := struct {
				Command control.Version  `json:"callboxctl"`
				Daemon  *control.Version `json:"callboxd"` // null: it does not run
			}{Command: control.ThisVersion()}
			running, err := a.client().Version(cmd.Context())
			switch {
			case err == nil:
				versions.Daemon = &running
			case !errors.Is(err, client.ErrUnreachable):
				return err
			}
			return a.show(versions, func(w io.Writer) {
				t := table(w)
				fmt.Fprintf(t, "callboxctl\t%s (%s, %s, protocol %d)\n", versions.Command.Version, versions.Command.Go, versions.Command.Platform, versions.Command.Protocol)
				if versions.Daemon == nil {
					fmt.Fprintf(t, "callboxd\tdoes not run\n")
				} else {
					fmt.Fprintf(t, "callboxd\t%s (%s, %s, protocol %d)\n", running.Version, running.Go, running.Platform, running.Protocol)
				}
				_ = t.Flush() // a terminal that is gone has nobody to tell
			})
		},
	}
}
