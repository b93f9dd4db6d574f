package daemon

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// manager is what systemd gives a service to speak to: a datagram socket.
type manager struct {
	t   *testing.T
	fd  int
	all []string // that were taken
}

// newManager makes one, and the environment in which systemd starts a service with
// a watchdog; 0: without.
func newManager(t *testing.T, watchdog time.Duration) *manager {
	t.Helper()
	dir, err := os.MkdirTemp("", "callbox") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "notify")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_PID", "")
	t.Setenv("WATCHDOG_USEC", "")
	if watchdog > 0 {
		t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
		t.Setenv("WATCHDOG_USEC", strconv.FormatInt(watchdog.Microseconds(), 10))
	}
	return &manager{t: t, fd: fd}
}

// take returns what has come since it was last asked.
func (m *manager) take() []string {
	m.t.Helper()
	var list []string
	for buffer := make([]byte, 4096); ; {
		n, err := unix.Read(m.fd, buffer)
		if errors.Is(err, unix.EAGAIN) {
			m.all = append(m.all, list...)
			return list
		}
		if err != nil {
			m.t.Fatal(err)
		}
		list = append(list, string(buffer[:n]))
	}
}

// wait waits for a message.
func (m *manager) wait(want string) {
	m.t.Helper()
	for end := time.Now().Add(10 * time.Second); !slices.Contains(m.take(), want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("systemd never hears %s, only %q", want, m.all)
		}
	}
}

func TestNotifier(t *testing.T) {
	m := newManager(t, 20*time.Second)
	synctest.Test(t, func(t *testing.T) {
		n := newNotifier(zerolog.Nop())
		for _, tt := range []struct {
			what string
			do   func()
			want []string
		}{
			{"ready", n.ready, []string{"READY=1"}},
			{"the first beat", n.beat, []string{"WATCHDOG=1"}},
			{"a beat at once after it", n.beat, nil},
			{"a beat just before a quarter of the time", func() { time.Sleep(5*time.Second - time.Nanosecond); n.beat() }, nil},
			{"a beat after it", func() { time.Sleep(time.Nanosecond); n.beat() }, []string{"WATCHDOG=1"}},
			{"a status", func() { n.set("talking with Anna") }, []string{"STATUS=talking with Anna"}},
			{"the same", func() { n.set("talking with Anna") }, nil},
			{"a name that would say more", func() { n.set("ringing with x\nMAINPID=1") }, []string{"STATUS=ringing with x MAINPID=1"}},
			{"stopping", n.stopping, []string{"STOPPING=1"}},
		} {
			tt.do()
			if got := m.take(); !slices.Equal(got, tt.want) {
				t.Errorf("%s: systemd hears %q, want %q", tt.what, got, tt.want)
			}
		}
	})
}

// TestNotifyReload: the second line is the time at which it began, by the clock that
// systemd compares it with.
func TestNotifyReload(t *testing.T) {
	m := newManager(t, 0)
	n := newNotifier(zerolog.Nop())
	var before unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &before); err != nil {
		t.Fatal(err)
	}
	over := n.reloading()
	got := m.take()
	began := int64(0)
	if len(got) != 1 {
		t.Fatalf("systemd hears %q", got)
	}
	if _, err := fmt.Sscanf(got[0], "RELOADING=1\nMONOTONIC_USEC=%d", &began); err != nil || began < before.Nano()/1000 || began > before.Nano()/1000+10_000_000 {
		t.Errorf("systemd hears %q at %d: %v", got[0], before.Nano()/1000, err)
	}
	over()
	if got := m.take(); !slices.Equal(got, []string{"READY=1"}) {
		t.Errorf("after the reload systemd hears %q", got)
	}
}

func TestNotifierWithoutAWatchdog(t *testing.T) {
	m := newManager(t, 0)
	n := newNotifier(zerolog.Nop())
	n.beat()
	n.ready()
	if got := m.take(); !slices.Equal(got, []string{"READY=1"}) {
		t.Errorf("systemd hears %q, want READY=1 alone", got)
	}
	t.Setenv("NOTIFY_SOCKET", "")
	n.stopping() // nobody listens: no harm
}

// TestTheDaemonNotifies: systemd hears of a whole daemon that it is ready once it
// answers, that its loop lives as long as it does, and that it stops.
func TestTheDaemonNotifies(t *testing.T) {
	m := newManager(t, 4*time.Millisecond) // so that each turn of the loop is heard
	d, stop := startDaemon(t)
	stopped := false
	defer func() {
		if !stopped {
			stop()
		}
	}()
	m.wait("READY=1")
	line := regexp.MustCompile(`^STATUS=idle; direct up; camera .+ \(virtual\), microphone .+, speaker .+$`)
	if !slices.ContainsFunc(m.all, line.MatchString) {
		t.Errorf("a daemon that is ready has told %q, want its status, too", m.all)
	}
	m.wait("WATCHDOG=1") // by itself: nothing happens in it
	stuck, free := make(chan struct{}), make(chan struct{})
	d.loop.box.put(request(func() { close(stuck); <-free }))
	<-stuck
	m.take()
	for range 50 {
		d.loop.box.put(request(func() {}))
		time.Sleep(5 * time.Millisecond) // 250 ms, more than enough for a free ticker to be heard
	}
	if got := m.take(); len(got) > 0 {
		t.Errorf("the loop is stuck, and systemd hears %q", got)
	}
	close(free)
	m.wait("WATCHDOG=1")
	stopped = true
	stop()
	m.take()
	ready := func(s string) bool { return s == "READY=1" }
	i, j := slices.IndexFunc(m.all, ready), slices.Index(m.all, "STOPPING=1")
	if n := len(slices.DeleteFunc(slices.Clone(m.all), func(s string) bool { return !ready(s) })); n != 1 || j < i || slices.Contains(m.all[:i], "WATCHDOG=1") {
		t.Errorf("systemd has heard %q, want READY=1 once, before the first WATCHDOG=1, and STOPPING=1 at the end", m.all)
	}
}
