// Package command is the command line of callboxd: its verbs, flags and help, without
// the daemon behind them. So the manual page can be made from it by a program that
// needs none of the libraries that the daemon is linked to.
package command

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"callbox/daemon/config"
	"callbox/daemon/control"
)

// Run runs the daemon with the configuration file, "" for the default one, until ctx
// ends.
type Run func(ctx context.Context, file string, errs io.Writer) error

// New returns the root command; its verb run calls daemon.
func New(errs io.Writer, daemon Run) *cobra.Command {
	root := &cobra.Command{
		Use:   "callboxd",
		Short: "The callbox daemon: calls between this device and phones",
		Long: `callboxd turns this device's camera, microphone and speaker into something that a
phone can call. callboxctl controls it.

Exit codes: 0 stopped, 1 failed, 2 wrong usage, 78 the configuration cannot be read
or has mistakes, or a newer callbox has written the state directory.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       control.ThisVersion().Version,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.Flags().Bool("version", false, "print the version") // cobra's own would not be in the manual page
	root.AddCommand(newRun(errs, daemon))
	return root
}

func newRun(errs io.Writer, daemon Run) *cobra.Command {
	file := ""
	cmd := &cobra.Command{
		Use:     "run",
		Short:   "Run until SIGTERM or Ctrl-C",
		Example: "  callboxd run --config ./callbox.yaml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return daemon(cmd.Context(), file, errs) },
	}
	cmd.Flags().StringVar(&file, "config", "", "the configuration `file` (default "+config.DefaultFile+", which may be missing)")
	return cmd
}
