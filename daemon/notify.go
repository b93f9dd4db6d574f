package daemon

import (
	"fmt"
	"strings"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// notifier tells systemd how the daemon is. Without systemd it does nothing.
type notifier struct {
	log      zerolog.Logger
	watchdog time.Duration // how often systemd wants to hear; 0: never
	last     time.Time
	status   string
}

func newNotifier(log zerolog.Logger) *notifier {
	every, err := sd.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn().Err(err).Msg("cannot read the watchdog's interval from the environment")
	}
	return &notifier{log: log, watchdog: every}
}

func (n *notifier) send(state string) {
	if _, err := sd.SdNotify(false, state); err != nil {
		n.log.Warn().Err(err).Msg("cannot notify systemd")
	}
}

func (n *notifier) ready()    { n.send(sd.SdNotifyReady) }
func (n *notifier) stopping() { n.send(sd.SdNotifyStopping) }

// reloading tells that the configuration is read again, and returns what tells that
// this is over.
func (n *notifier) reloading() (over func()) {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		n.log.Warn().Err(err).Msg("cannot tell systemd of a reload")
		return func() {}
	}
	n.send(fmt.Sprintf("%s\nMONOTONIC_USEC=%d", sd.SdNotifyReloading, now.Nano()/1000))
	return n.ready
}

// beat is called by the loop, never by a free ticker: a stuck loop must be seen.
func (n *notifier) beat() {
	if n.watchdog == 0 || time.Since(n.last) < n.watchdog/4 {
		return
	}
	n.last = time.Now()
	n.send(sd.SdNotifyWatchdog)
}

// set shows one line in systemctl status. A newline would end the line and let
// the rest be read as assignments, so there is none.
func (n *notifier) set(status string) {
	status = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, status)
	if status == n.status {
		return
	}
	n.status = status
	n.send("STATUS=" + status)
}
