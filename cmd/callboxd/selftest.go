package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/daemon/selftest"
	"callbox/daemon/selftest/phone"
)

// newSelftest is the phone of callboxctl selftest: it needs what the daemon is linked
// with, and callboxctl stays small (docs/decisions/0023-selftest.md). It speaks lines of
// JSON (selftest.Line) and ends when its input does.
func newSelftest(in io.Reader, out io.Writer) *cobra.Command {
	o := phone.Options{Socket: config.Default().Control.Socket, Talk: control.SelftestDefault * time.Second, Log: zerolog.Nop()}
	cmd := &cobra.Command{
		Use:    "selftest",
		Short:  "The phone of callboxctl selftest",
		Args:   cobra.NoArgs,
		Hidden: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithCancel(cmd.Context())
			defer cancel()
			go func() { // ends with this process
				_, _ = io.Copy(io.Discard, in) // whatever ends it: nobody is there any more
				cancel()
			}()
			lines := json.NewEncoder(out)
			o.Tell = func(now string) { _ = lines.Encode(selftest.Line{Now: now}) } // nobody reads: the input ends, too
			figures, err := phone.Run(ctx, o)
			if err != nil {
				return lines.Encode(selftest.Line{Error: errorOf(err)})
			}
			return lines.Encode(selftest.Line{Figures: &figures})
		},
	}
	cmd.Flags().StringVar(&o.Socket, "socket", o.Socket, "the daemon's control `socket`")
	cmd.Flags().DurationVar(&o.Talk, "for", o.Talk, "how long the talk is")
	cmd.Flags().BoolVar(&o.Voice, "voice", false, "without picture")
	cmd.Flags().StringVar(&o.Codec, "codec", "", "the only codec of pictures")
	return cmd
}

// errorOf is err for the other program.
func errorOf(err error) *control.Error {
	var known *control.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, client.ErrUnreachable):
		return &control.Error{Code: selftest.Unreachable, Message: err.Error()}
	}
	return &control.Error{Code: "failed", Message: err.Error()}
}
