package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

// redrawEvery is how often the live view asks for the state: it shows seconds.
const redrawEvery = time.Second

// Sequences of a terminal (xterm's control sequences). The view has a screen of its
// own, so that what was there before comes back.
const (
	screenOn   = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	screenOff  = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	home       = "\x1b[H"
	clearLine  = "\x1b[K"
	clearBelow = "\x1b[J"
)

// watchLive shows the live view until ctx ends. However it ends, the terminal is as
// it was.
func (a *app) watchLive(ctx context.Context) error {
	out := a.out.(*os.File) // isTerminal has looked
	ctx, cancel := context.WithCancel(ctx)
	var work sync.WaitGroup
	defer work.Wait()
	defer cancel()
	events := make(chan control.Event, 64)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGWINCH, syscall.SIGTSTP, syscall.SIGCONT, syscall.SIGHUP)
	defer signal.Stop(signals)
	ticker := time.NewTicker(redrawEvery)
	defer ticker.Stop()
	fmt.Fprint(out, screenOn)
	defer fmt.Fprint(out, screenOff)
	v := &view{}
	v.ask(ctx, a.client())
	work.Go(func() { a.feed(ctx, events, lately(v.status.Seq)) })
	for {
		a.draw(out, v)
		select {
		case ev := <-events:
			v.add(ev)
			v.addWaiting(events)
			v.ask(ctx, a.client())
		case <-ticker.C:
			v.ask(ctx, a.client())
		case s := <-signals:
			switch s {
			case syscall.SIGHUP:
				return nil
			case syscall.SIGTSTP:
				if err := suspend(ctx, out, signals); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// suspend gives the shell its own screen while Ctrl-Z holds. Nothing is drawn until
// the program goes on: the stop itself may come a moment later.
func suspend(ctx context.Context, out *os.File, signals <-chan os.Signal) error {
	fmt.Fprint(out, screenOff)
	defer fmt.Fprint(out, screenOn)
	if err := unix.Kill(os.Getpid(), unix.SIGSTOP); err != nil {
		return fmt.Errorf("cannot stop: %w", err)
	}
	for {
		select {
		case s := <-signals:
			if s == syscall.SIGCONT {
				return nil
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// lately is a little before an event: the view begins with what has just happened.
func lately(seq uint64) control.Position {
	if seq <= 1 {
		return control.Position{}
	}
	return control.Position{Seq: max(1, seq-min(seq, keptLines))}
}

// feed hands events on, from position. When the daemon goes away it comes back with
// what it has seen last.
func (a *app) feed(ctx context.Context, events chan<- control.Event, position control.Position) {
	for ctx.Err() == nil {
		// The next Watch tells what went wrong, too: the view shows the state.
		_ = a.client().Watch(ctx, client.WatchOptions{After: position}, func(ev control.Event) error {
			position = ev.Position()
			select {
			case events <- ev:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		select {
		case <-time.After(redrawEvery):
		case <-ctx.Done():
		}
	}
}

// ask brings the state up to date.
func (v *view) ask(ctx context.Context, c *client.Client) {
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second) // longer than the daemon waits for its loop
	defer cancel()
	status, err := c.Status(bounded)
	v.now, v.away = time.Now(), ""
	if err != nil {
		v.away = oneLine(err.Error())
		return
	}
	v.status, v.known = status, true
}

// draw writes the view over the last one, without a flicker: it clears only what it
// does not write.
func (a *app) draw(out *os.File, v *view) {
	width, height, err := term.GetSize(int(out.Fd()))
	if err != nil || width < 1 || height < 1 {
		width, height = 80, 24
	}
	var b strings.Builder
	b.WriteString(home)
	for i, line := range v.render(width, height) {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(clearLine + dye(line, a.colours))
	}
	b.WriteString(clearBelow)
	fmt.Fprint(out, b.String())
}
