package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"callbox/daemon"
	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/logging"
)

// The exit codes. systemd does not restart after 78: a mistake in the file does
// not go away by itself.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitConfig = 78 // sysexits.h: EX_CONFIG
)

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	root := newRoot(errs)
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	var problems config.Problems
	var failed runError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &problems):
		fmt.Fprintf(errs, "callboxd: %v\n", err)
		return exitConfig
	case errors.Is(err, daemon.ErrConfig):
		return exitConfig // it is in the log, here and below
	case errors.As(err, &failed):
		return exitFailed
	}
	fmt.Fprintf(errs, "callboxd: %v\ncallboxd --help says how it is used.\n", err)
	return exitUsage
}

// runError is a failure of the daemon that has been logged.
type runError struct{ error }

// Unwrap returns why it failed.
func (e runError) Unwrap() error { return e.error }

func newRoot(errs io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:           "callboxd",
		Short:         "The callbox daemon: calls between this device and phones",
		Long:          "callboxd turns this device's camera, microphone and speaker into something that a\nphone can call. callboxctl controls it.\n\nExit codes: 0 stopped, 1 failed, 2 wrong usage, 78 the configuration has mistakes.",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       control.ThisVersion().Version,
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(newRun(errs))
	return root
}

func newRun(errs io.Writer) *cobra.Command {
	file := ""
	cmd := &cobra.Command{
		Use:     "run",
		Short:   "Run until SIGTERM or Ctrl-C",
		Example: "  callboxd run --config packaging/examples/demo.yaml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := load(file)
			if err != nil {
				return err
			}
			log := logging.New(cfg.Log, errs)
			if err := daemon.Run(cmd.Context(), daemon.Options{
				Config: cfg, File: place(file), Log: log, Reload: func() (*config.Config, error) { return load(file) },
			}); err != nil {
				log.Error().Err(err).Msg("callboxd has failed")
				return runError{err}
			}
			log.Info().Msg("callboxd has stopped")
			return nil
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "the configuration `file` (default "+config.DefaultFile+", which may be missing)")
	return cmd
}

// place is the absolute path of the named file, or of the default one.
func place(file string) string {
	if path, err := filepath.Abs(file); file != "" && err == nil {
		return path
	}
	return cmp.Or(file, config.DefaultFile)
}

// load reads the named file, or the default one if there is one.
func load(file string) (*config.Config, error) {
	if file == "" {
		if _, err := os.Stat(config.DefaultFile); err == nil {
			file = config.DefaultFile
		}
	}
	return config.Load(file)
}
