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
		Long: `Show the versions of this command and of the running daemon. That none runs is no error
here.`,
		Example: "  callboxctl version --json",
		Args:    none,
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
				table(w, func(t io.Writer) {
					fmt.Fprintf(t, "callboxctl\t%s\n", versionText(versions.Command))
					if versions.Daemon == nil {
						fmt.Fprintln(t, "callboxd\tdoes not run")
					} else {
						fmt.Fprintf(t, "callboxd\t%s\n", versionText(running))
					}
				})
			})
		},
	}
}

func versionText(v control.Version) string {
	return fmt.Sprintf("%s (%s, %s, protocol %d)", v.Version, v.Go, v.Platform, v.Protocol)
}
