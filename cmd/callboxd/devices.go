package main

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"callbox/daemon"
	"callbox/daemon/config"
)

// newDevices is what callboxctl doctor asks when no daemon runs: it needs the drivers
// that the daemon is linked with. It prints findings as JSON ([]control.Finding).
func newDevices(out io.Writer) *cobra.Command {
	file := ""
	cmd := &cobra.Command{
		Use:    "devices",
		Short:  "Say which devices a daemon would choose",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := config.Load(file) // without the files of secrets, which do not matter here
			if err != nil {
				return configError{err}
			}
			return json.NewEncoder(out).Encode(daemon.DoctorDevices(cfg.HAL))
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "the configuration `file` (default "+config.DefaultFile+", which may be missing)")
	return cmd
}
