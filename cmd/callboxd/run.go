package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"callbox/cmd/callboxd/command"
	"callbox/daemon"
	"callbox/daemon/config"
	"callbox/daemon/logging"
	"callbox/daemon/store"
)

// The exit codes. systemd does not restart after 78: neither a configuration that is
// wrong nor a state directory that a newer version has written mends itself. A secret or a
// certificate that is not there may come: it is tried again.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
	exitConfig = 78 // sysexits.h: EX_CONFIG
)

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	root := command.New(errs, runDaemon)
	root.AddCommand(newSelftest(os.Stdin, out), newDevices(out))
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errs)
	err := root.ExecuteContext(ctx)
	var unusable configError
	var failed runError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &unusable):
		refuse(unusable.error, config.Default().Log, errs)
		return exitConfig
	case errors.As(err, &failed) && errors.Is(err, store.ErrNewer):
		return exitConfig // it is in the log; starting again changes nothing
	case errors.As(err, &failed):
		return exitFailed
	}
	fmt.Fprintf(errs, "callboxd: %v\ncallboxd --help says how it is used.\n", err)
	return exitUsage
}

// configError is a configuration that cannot be read or has mistakes.
type configError struct{ error }

// Unwrap returns what is wrong.
func (e configError) Unwrap() error { return e.error }

// refuse says what is wrong with the configuration; in the journal one entry a mistake.
func refuse(err error, how config.Log, errs io.Writer) {
	if !logging.UnderJournal() {
		fmt.Fprintf(errs, "callboxd: %v\n", err)
		return
	}
	log := logging.New(how, errs)
	var problems config.Problems
	if !errors.As(err, &problems) {
		log.Error().Msg(err.Error())
	}
	for _, p := range problems {
		log.Error().Str("key", p.Key).Msg(p.String())
	}
}

// runError is a failure of the daemon that has been logged.
type runError struct{ error }

// Unwrap returns why it failed.
func (e runError) Unwrap() error { return e.error }

// runDaemon runs the daemon with a configuration file.
func runDaemon(ctx context.Context, file string, errs io.Writer) error {
	cfg, err := load(file)
	if err != nil {
		if text, errText := config.Load(named(file)); errText == nil {
			// Nothing is wrong but with files that it names: they may come, or be whole soon.
			refuse(err, text.Log, errs)
			return runError{err}
		}
		return configError{err}
	}
	log := logging.New(cfg.Log, errs)
	err = daemon.Run(ctx, daemon.Options{
		Config: cfg, File: place(file), Log: log, Reload: func() (*config.Config, error) { return load(file) },
	})
	if err != nil {
		log.Error().Err(err).Msg("callboxd has failed")
		return runError{err}
	}
	log.Info().Msg("callboxd has stopped")
	return nil
}

// place is the absolute path of the named file, or of the default one.
func place(file string) string {
	if path, err := filepath.Abs(file); file != "" && err == nil {
		return path
	}
	return cmp.Or(file, config.DefaultFile)
}

// load reads the named file, or the default one if there is one, and looks at the files
// that it names.
func load(file string) (*config.Config, error) { return config.LoadFiles(named(file)) }

// named is the file to read: "" for the default one that may be missing.
func named(file string) string {
	if file == "" {
		if _, err := os.Stat(config.DefaultFile); err == nil {
			return config.DefaultFile
		}
	}
	return file
}
