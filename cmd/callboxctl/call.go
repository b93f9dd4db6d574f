package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

// newCallVerb makes a verb that does something to the current call.
func (a *app) newCallVerb(name, short, done string, do func(ctx context.Context, roomID string) error) *cobra.Command {
	return &cobra.Command{
		Use:     name + " [ROOM]",
		Short:   short,
		Long:    short + ". Without ROOM it is the current call; with it, nothing happens when that call is over already.",
		Example: "  callboxctl " + name,
		Args:    atMostOne("the room"),
		RunE: func(cmd *cobra.Command, args []string) error {
			room := ""
			if len(args) > 0 {
				room = args[0]
			}
			if err := do(cmd.Context(), room); err != nil {
				return err
			}
			return a.done(done)
		},
	}
}

func newAnswer(a *app) *cobra.Command {
	return a.newCallVerb("answer", "Answer the call that rings", "answered",
		func(ctx context.Context, room string) error { return a.client().Answer(ctx, room) })
}

func newReject(a *app) *cobra.Command {
	return a.newCallVerb("reject", "Decline the call that rings", "rejected",
		func(ctx context.Context, room string) error { return a.client().Reject(ctx, room) })
}

func newHangUp(a *app) *cobra.Command {
	return a.newCallVerb("hangup", "End the running call, or decline the one that rings", "hung up",
		func(ctx context.Context, room string) error { return a.client().HangUp(ctx, room) })
}

// newSwitch makes a verb that takes on or off.
func (a *app) newSwitch(name, short string, do func(ctx context.Context, on bool) error) *cobra.Command {
	return &cobra.Command{
		Use:       name + " on|off",
		Short:     short,
		Example:   "  callboxctl " + name + " on",
		ValidArgs: []string{"on", "off"},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || (args[0] != "on" && args[0] != "off") {
				return usageError{fmt.Errorf("%s takes one word: on or off", cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := do(cmd.Context(), args[0] == "on"); err != nil {
				return err
			}
			return a.done(name + " " + args[0])
		},
	}
}

func newMute(a *app) *cobra.Command {
	return a.newSwitch("mute", "Mute the device's microphone in the running call",
		func(ctx context.Context, on bool) error { return a.client().SetMicrophone(ctx, !on) })
}

func newCamera(a *app) *cobra.Command {
	return a.newSwitch("camera", "Turn the device's camera in the running call on or off",
		func(ctx context.Context, on bool) error { return a.client().SetCamera(ctx, on) })
}
