package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newCall(a *app) *cobra.Command {
	var together, inTurn, voice, video, wait bool
	var limit time.Duration
	var request control.CallRequest
	cmd := &cobra.Command{
		Use:   "call NAME…",
		Short: "Call one phone or several",
		Long: `Call the phones of contacts, by name or thumbprint, or of all contacts of a group with
group:NAME, at most 8 in all. The first answer wins. Whether they ring at once or one
after the other, in the given order, says call.dial_mode in the configuration, or
--together and --in-turn.

It returns when the phones are being rung. With --wait it shows what happens until the
call is over, and its exit code says how it ended (callboxctl help exit-codes); Ctrl-C
ends the waiting, not the call.`,
		Example: `  callboxctl call Anna
  callboxctl call Anna Bert --in-turn --limit 10m --wait
  callboxctl call group:family --voice --wait || echo "nobody has answered"`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s needs somebody to call", cmd.CommandPath())
			}
			return nil
		},
		ValidArgsFunction: a.names(trusted, true, true),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case limit < 0:
				return usagef("cannot use --limit %v: it must be a time like 10m", limit)
			case together && inTurn:
				return usagef("--together and --in-turn exclude each other")
			case video && voice:
				return usagef("--video and --voice exclude each other")
			}
			request.To, request.TimeLimit = args, limit.Seconds()
			request.RoomType = "video"
			switch {
			case together:
				request.Mode = control.Together
			case inTurn:
				request.Mode = control.InTurn
			}
			if voice {
				request.RoomType = "voice"
			}
			if wait {
				return a.callAndFollow(cmd.Context(), request)
			}
			started, err := a.client().Call(cmd.Context(), request)
			if err != nil {
				return err
			}
			return a.show(started, func(w io.Writer) { fmt.Fprintf(w, "calling; the room is %s\n", started.GroupID) })
		},
	}
	f := cmd.Flags()
	f.BoolVar(&together, "together", false, "let all ring at once, whatever the configuration says")
	f.BoolVar(&inTurn, "in-turn", false, "let one ring after the other, whatever the configuration says")
	f.BoolVar(&video, "video", false, "with picture (the default)")
	f.BoolVar(&voice, "voice", false, "without picture")
	spanVar(f, &limit, "limit", 0, "the longest that the call may take, like 10m; the rules may make it shorter")
	f.StringVar(&request.Query, "query", "", "`text` for the phone's app")
	f.StringVar(&request.IdempotencyKey, "key", "", "the same `key` within 10 minutes calls only once")
	f.BoolVar(&wait, "wait", false, "show what happens until the call is over")
	return cmd
}

// newCallVerb makes a verb that does something to the current call.
func (a *app) newCallVerb(name, short, done string, do func(ctx context.Context, id string) error) *cobra.Command {
	return &cobra.Command{
		Use:               name + " [ROOM]",
		Short:             short,
		Long:              short + ".\n\nWithout ROOM it is the current call; with it, nothing happens when that call is over\nalready.",
		Example:           "  callboxctl " + name,
		Args:              atMostOne("the room"),
		ValidArgsFunction: a.room,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := do(cmd.Context(), first(args)); err != nil {
				return err
			}
			if wait, err := cmd.Flags().GetBool("wait"); err == nil && wait {
				return nil // all has been said
			}
			return a.done(done)
		},
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

func newAnswer(a *app) *cobra.Command {
	wait := false
	cmd := a.newCallVerb("answer", "Answer the call that rings", "answered",
		func(ctx context.Context, id string) error {
			if wait {
				return a.answerAndFollow(ctx, id)
			}
			return a.client().Answer(ctx, id)
		})
	cmd.Long += `

With --wait it shows what happens until the call is over, and its exit code says how it
ended (callboxctl help exit-codes); Ctrl-C ends the waiting, not the call.`
	cmd.Example += "\n  callboxctl answer --wait"
	cmd.Flags().BoolVar(&wait, "wait", false, "show what happens until the call is over")
	return cmd
}

func newReject(a *app) *cobra.Command {
	return a.newCallVerb("reject", "Decline the call that rings", "rejected",
		func(ctx context.Context, id string) error { return a.client().Reject(ctx, id) })
}

func newHangUp(a *app) *cobra.Command {
	return a.newCallVerb("hangup", "End the running call, or decline the one that rings", "hung up",
		func(ctx context.Context, id string) error { return a.client().HangUp(ctx, id) })
}

// newSwitch makes a verb that takes on or off.
func (a *app) newSwitch(name, short, long string, do func(ctx context.Context, on bool) error) *cobra.Command {
	return &cobra.Command{
		Use:       name + " on|off",
		Short:     short,
		Long:      short + ".\n" + long,
		Example:   "  callboxctl " + name + " on\n  callboxctl " + name + " off",
		ValidArgs: []string{"on", "off"},
		Args:      oneWord("on", "off"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := do(cmd.Context(), args[0] == "on"); err != nil {
				return err
			}
			return a.done(name + " " + args[0])
		},
	}
}

func newMute(a *app) *cobra.Command {
	return a.newSwitch("mute", "Mute the device's microphone in the running call", "It holds until the call is over.",
		func(ctx context.Context, on bool) error { return a.client().SetMicrophone(ctx, !on) })
}

func newCamera(a *app) *cobra.Command {
	cmd := a.newSwitch("camera", "Turn the device's camera in the running call on or off", "It holds until the call is over.",
		func(ctx context.Context, on bool) error { return a.client().SetCamera(ctx, on) })
	cmd.AddCommand(newCameraSwitch(a))
	return cmd
}

func newCameraSwitch(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "switch [CAMERA]",
		Short: "Show another of the device's cameras in the running call",
		Long: `Show another of the device's cameras in the running call: the one with that label or name, or
the next one. It holds until the call is over; the next call begins with hal.camera.`,
		Example: "  callboxctl camera switch\n  callboxctl camera switch Yard",
		Args:    atMostOne("the camera"),
		RunE: func(cmd *cobra.Command, args []string) error {
			shown, err := a.client().SwitchCamera(cmd.Context(), first(args))
			if err != nil {
				return err
			}
			return a.show(shown, func(w io.Writer) {
				if shown.Missing != "" {
					fmt.Fprintf(w, "the call is switched to %s, and shows a slate until it comes: %s\n", oneLine(shown.Camera), oneLine(shown.Missing))
					return
				}
				fmt.Fprintf(w, "the call shows %s\n", oneLine(shown.Camera))
			})
		},
	}
}
