package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/config"
	"callbox/daemon/store"
)

// maxBackup is more than the largest backup: 1000 contacts, of which each has a line
// of some kilobytes at most.
const maxBackup = 16 << 20

func newIdentity(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "identity",
		Short: "Save what phones know the device by, and bring it back",
		Long: `Save what phones know the device by, its key and its contacts, and bring it back: on
new hardware, after a new installation, or when the card has died. Both read and write the
state directory themselves: as root, or as the user of the daemon.`,
		Example: "  callboxctl identity backup door.backup",
		Args:    verbsOnly,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newIdentityBackup(a), newIdentityRestore(a))
	return cmd
}

// stateFlag chooses the state directory.
func stateFlag(cmd *cobra.Command, dir *string) {
	cmd.Flags().StringVar(dir, "state-dir", "", "the state `directory` (default: that of the daemon at --socket, or of "+config.DefaultFile+")")
}

// stateDir is the state directory of the daemon that answers, whose environment may have
// changed it; else that of the default configuration.
func (a *app) stateDir(ctx context.Context, dir string) (string, error) {
	if dir != "" {
		return dir, nil
	}
	if status, err := a.client().Status(ctx); err == nil && status.StateDir != "" {
		return status.StateDir, nil
	}
	cfg, err := config.Load("") // the default one, which may be missing
	if err != nil {
		return "", err
	}
	return cfg.Device.StateDir, nil
}

func newIdentityBackup(a *app) *cobra.Command {
	dir, force := "", false
	cmd := &cobra.Command{
		Use:   "backup FILE|-",
		Short: "Write the device's key and its contacts to a file",
		Long: `Write the device's key, its contacts and what of call tokens is denied to a file that
only its owner may read, or to the standard output. The daemon may be running.

Whoever has this file is the device for every phone that knows it: keep it as you keep a
key. The push key is made from the device's and needs no copy. Call records, settings and
push subscriptions are not in it. A FILE that is there, perhaps the backup of another
device, is replaced only with --force.`,
		Example: "  callboxctl identity backup door.backup\n  callboxctl identity backup - | age -r age1… > door.backup.age",
		Args:    exactly("the file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if info, err := os.Stat(args[0]); err == nil && info.Mode().IsRegular() && args[0] != "-" && !force {
				return fmt.Errorf("cannot write %s: %w; choose another name, or --force", args[0], fs.ErrExist)
			}
			dir, err := a.stateDir(cmd.Context(), dir)
			if err != nil {
				return err
			}
			backup, err := store.Backup(dir, time.Now())
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%w; which one is it? --state-dir, or --socket of the daemon that uses it", err)
			}
			if err != nil {
				return forRoot(err)
			}
			return a.save(args[0], backup)
		},
	}
	stateFlag(cmd, &dir)
	cmd.Flags().BoolVar(&force, "force", false, "replace a file that is there")
	return cmd
}

func newIdentityRestore(a *app) *cobra.Command {
	dir, force := "", false
	cmd := &cobra.Command{
		Use:   "restore FILE|-",
		Short: "Make this the device of a backup",
		Long: `Make this the device of a backup: phones that were paired with it call it as before, and
need not pair again. The daemon must be stopped. It takes this for a restart: a call of
before the restore is over.

A device that phones know already is not given up without --force. What was revoked or
denied on the same device since the backup stays so; on other hardware look through
callboxctl contacts afterwards, because whoever was revoked since the backup is trusted
again.`,
		Example: "  systemctl stop callbox\n  callboxctl identity restore door.backup\n  systemctl start callbox",
		Args:    exactly("the file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := a.stateDir(cmd.Context(), dir)
			if err != nil {
				return err
			}
			backup, err := a.readFile(args[0])
			if err != nil {
				return fmt.Errorf("cannot read the backup: %w", err)
			}
			r, err := store.Restore(dir, backup, force)
			if err != nil {
				return forRoot(err)
			}
			return a.show(r, func(w io.Writer) {
				fmt.Fprintf(w, "%s is the device %s of %s, with %s\n", oneLine(dir), r.Thumbprint, r.Taken.Local().Format("2006-01-02 15:04"), count(r.Contacts, "contact"))
			})
		},
	}
	stateFlag(cmd, &dir)
	cmd.Flags().BoolVar(&force, "force", false, "give up the device that the directory is")
	return cmd
}

// readFile reads a file or the standard input.
func (a *app) readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(a.in, maxBackup))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxBackup))
}

// forRoot says who may do what was not permitted.
func forRoot(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; run it as root, or as the user of the daemon", err)
	}
	return err
}
