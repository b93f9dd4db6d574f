package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mdp/qrterminal/v3"
	"github.com/spf13/cobra"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

func newPair(a *app) *cobra.Command {
	var request control.PairRequest
	var life time.Duration
	var renew, wait, closing bool
	cmd := &cobra.Command{
		Use:   "pair",
		Short: "Show a pairing code for a phone",
		Long: `Open a pairing window and show its address, as text and as a QR code. The phone
that opens it and confirms becomes a contact. The code works once; whoever sees it
while the window is open can pair.

The rights are call (may call the device), beCalled, auto (is answered without a
person) and unlock (may open the door). auto and unlock are refused over a
certificate that the device made for itself, unless --force says so.`,
		Example: "  callboxctl pair --name Anna\n  callboxctl pair --rights call,beCalled,unlock --for 10m --wait",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if life <= 0 {
				return usagef("cannot use --for %v: it must be a time like 5m", life)
			}
			if closing {
				if err := a.client().ClosePairing(cmd.Context()); err != nil {
					return err
				}
				return a.done("the pairing window is closed")
			}
			for _, right := range request.Rights {
				if !slices.Contains(pairRights(), right) {
					return usagef("there is no right %q; allowed: %s", right, strings.Join(pairRights(), ", "))
				}
			}
			request.Seconds = life.Seconds()
			if !wait && !renew {
				window, err := a.client().OpenPairing(cmd.Context(), request)
				if err != nil {
					return err
				}
				return a.showWindow(window)
			}
			return a.pairAndWait(cmd.Context(), request, renew)
		},
	}
	cmd.Flags().StringVar(&request.Name, "name", "", "call the phone `NAME`, whatever it calls itself")
	cmd.Flags().StringSliceVar(&request.Rights, "rights", []string{"call", "beCalled"}, "what the phone may do")
	spanVar(cmd.Flags(), &life, "for", 5*time.Minute, "how long the window stays open")
	cmd.Flags().BoolVar(&request.Force, "force", false, "give auto and unlock over a self-made certificate, too")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until a phone has paired; fail when none did")
	cmd.Flags().BoolVar(&renew, "renew", false, "as --wait, with a new code whenever one runs out")
	cmd.Flags().BoolVar(&closing, "close", false, "close the open window instead")
	completes(cmd, "rights", words(pairRights()...))
	return cmd
}

// pairRights are the rights that a phone can be paired with.
func pairRights() []string { return []string{"call", "beCalled", "auto", "unlock"} }

func (a *app) showWindow(window control.PairWindow) error {
	return a.show(window, func(w io.Writer) {
		fmt.Fprintf(w, "  %s\n\n", window.URL)
		qrterminal.GenerateWithConfig(window.URL, qrterminal.Config{
			Level: qrterminal.L, Writer: w, HalfBlocks: true, QuietZone: 1,
			BlackChar: qrterminal.BLACK_BLACK, WhiteChar: qrterminal.WHITE_WHITE,
			BlackWhiteChar: qrterminal.BLACK_WHITE, WhiteBlackChar: qrterminal.WHITE_BLACK,
		})
		fmt.Fprintf(w, "\n  Works once, until %s.\n", window.Expires.Local().Format(time.TimeOnly))
	})
}

var errNobodyPaired = errors.New("no phone has paired while the window was open")

// errReplaced means that the code on the screen is worth nothing any more.
var errReplaced = errors.New("the code above is over: somebody has begun another pairing, whose code counts; callboxctl pair shows a new one")

// windowEvery is how often a shown window is looked after: a person reads its code.
const windowEvery = 2 * time.Second

// replacedBy waits until another window has taken the place of a shown one, and reports
// true, or until ctx ends.
func (a *app) replacedBy(ctx context.Context, window control.PairWindow) bool {
	ticker := time.NewTicker(windowEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false
		}
		if status, err := a.client().Status(ctx); err == nil && status.Pairing != nil && !status.Pairing.Expires.Equal(window.Expires) {
			return true
		}
	}
}

// pairAndWait shows a window and waits for the pairing.
func (a *app) pairAndWait(ctx context.Context, request control.PairRequest, renew bool) error {
	for {
		err := a.pairOnce(ctx, request)
		if !renew || !errors.Is(err, errNobodyPaired) || ctx.Err() != nil {
			return err
		}
	}
}

func (a *app) pairOnce(ctx context.Context, request control.PairRequest) error {
	paired := errors.New("paired")
	var window control.PairWindow
	open := false
	var contact control.Event
	watchCtx, stop := context.WithCancel(ctx)
	var replaced atomic.Bool
	var looking sync.WaitGroup
	defer looking.Wait()
	defer stop()
	err := a.client().Watch(watchCtx, client.WatchOptions{}, func(ev control.Event) error {
		switch {
		case ev.Name == control.EventStatus: // watching: now nothing can be missed
			var err error
			if window, err = a.client().OpenPairing(ctx, request); err != nil {
				return err
			}
			open = true
			timer := time.AfterFunc(time.Until(window.Expires), stop)
			context.AfterFunc(watchCtx, func() { timer.Stop() })
			looking.Go(func() {
				if a.replacedBy(watchCtx, window) {
					replaced.Store(true)
					stop()
				}
			})
			return a.showWindow(window)
		case ev.Name == control.EventPaired && open:
			contact = ev
			return paired
		}
		return nil
	})
	switch {
	case errors.Is(err, paired):
		return a.show(contact, func(w io.Writer) {
			var data control.PairedData
			if json.Unmarshal(contact.Data, &data) == nil {
				fmt.Fprintf(w, "\n  %s is paired.\n", oneLine(data.Name))
			}
		})
	case ctx.Err() != nil:
		return ctx.Err()
	case replaced.Load():
		return errReplaced
	case err == nil || errors.Is(err, context.Canceled):
		return errNobodyPaired
	}
	return err
}
