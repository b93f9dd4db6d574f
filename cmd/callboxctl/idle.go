package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

func newIdle(a *app) *cobra.Command {
	limit := time.Duration(0)
	cmd := &cobra.Command{
		Use:   "idle",
		Short: "Wait until no call is running",
		Long: `Wait until no call is running, at most as long as call.upgrade_wait says in the
daemon's configuration, or --for. The package does so before it restarts the daemon in an upgrade.

Exit code 5 when a call runs still, 3 when no daemon answers.`,
		Example: "  callboxctl idle --for 5m && systemctl restart callbox",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--for %s is less than no time", limit)
			}
			if !cmd.Flags().Changed("for") {
				status, err := a.client().Status(cmd.Context())
				if err != nil {
					return err
				}
				limit = time.Duration(status.UpgradeWaitSeconds * float64(time.Second))
			}
			if err := a.waitForIdle(cmd.Context(), limit); err != nil {
				return err
			}
			return a.done("no call is running")
		},
	}
	cmd.Flags().DurationVar(&limit, "for", 0, "wait at most this `long` (default: call.upgrade_wait)")
	return cmd
}

// errIdle ends the watching: no call runs.
var errIdle = errors.New("no call is running")

// waitForIdle looks at the state whenever a call has ended.
func (a *app) waitForIdle(ctx context.Context, limit time.Duration) error {
	look := func(ctx context.Context) error {
		status, err := a.client().Status(ctx)
		if err == nil && status.Call == nil {
			err = errIdle
		}
		return err
	}
	err := look(ctx) // at once: limit may be 0
	if err == nil {
		waiting, stop := context.WithTimeout(ctx, limit)
		defer stop()
		err = a.client().Watch(waiting, client.WatchOptions{}, func(ev control.Event) error {
			if ev.Name == control.EventStatus || ev.Name == control.EventFinishVoip {
				return look(waiting)
			}
			return nil
		})
		if ctx.Err() == nil && errors.Is(waiting.Err(), context.DeadlineExceeded) {
			err = control.ErrBusy.With(fmt.Sprintf("a call still runs after %s", limit))
		}
	}
	switch {
	case errors.Is(err, errIdle):
		return nil
	case err == nil:
		return client.ErrStopped
	}
	return err
}
