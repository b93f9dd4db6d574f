//go:build e2e

package e2e

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// desktop is what shows notifications, as a desktop's shell does: a bus of its own
// with the freedesktop.org notification service on it, version 1.2. A browser that
// is started after it uses it.
type desktop struct {
	t    testing.TB
	conn *dbus.Conn

	mu    sync.Mutex
	last  uint32
	shown []notification
}

type notification struct {
	id          uint32
	title, body string
	hasPress    bool // it can be pressed
	closed      bool
}

const (
	notificationsPath = dbus.ObjectPath("/org/freedesktop/Notifications")
	notificationsName = "org.freedesktop.Notifications"
)

// startDesktop starts the bus and makes it the session's.
func startDesktop(t *testing.T) *desktop {
	t.Helper()
	cmd := exec.Command("dbus-daemon", "--session", "--nofork", "--nosyslog", "--print-address", "--address=unix:path="+filepath.Join(t.TempDir(), "bus"))
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("cannot start a message bus: %v; run .ci/setup test", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the message bus says no address: %v", err)
	}
	d := &desktop{t: t}
	if d.conn, err = dbus.Connect(strings.TrimSpace(address)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.conn.Close() })
	if err := d.conn.Export(service{d}, notificationsPath, notificationsName); err != nil {
		t.Fatal(err)
	}
	if reply, err := d.conn.RequestName(notificationsName, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("cannot be the desktop: %v, %v", reply, err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", strings.TrimSpace(address))
	return d
}

// find waits for a notification that nobody has closed.
func (d *desktop) find(title string, within time.Duration) notification {
	d.t.Helper()
	var found notification
	eventually(d.t, within, "the desktop shows "+title, func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		for _, n := range d.shown {
			if n.title == title && !n.closed {
				found = n
			}
		}
		return found.id != 0
	})
	return found
}

// gone waits until a notification has been closed.
func (d *desktop) gone(id uint32, within time.Duration) {
	d.t.Helper()
	eventually(d.t, within, "the notification is taken away", func() bool {
		d.mu.Lock()
		defer d.mu.Unlock()
		return slices.ContainsFunc(d.shown, func(n notification) bool { return n.id == id && n.closed })
	})
}

// open is how many notifications are to be seen.
func (d *desktop) open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := 0
	for _, s := range d.shown {
		if !s.closed {
			n++
		}
	}
	return n
}

// press does what a person's click on a notification does.
func (d *desktop) press(n notification) {
	d.t.Helper()
	if !n.hasPress {
		d.t.Fatalf("the notification %q cannot be pressed", n.title)
	}
	if err := d.conn.Emit(notificationsPath, notificationsName+".ActionInvoked", n.id, "default"); err != nil {
		d.t.Fatal(err)
	}
}

// service is what the browser calls; its exported methods are the interface's.
type service struct{ d *desktop }

func (service) GetCapabilities() ([]string, *dbus.Error) {
	return []string{"actions", "body", "persistence"}, nil
}

func (service) GetServerInformation() (name, vendor, version, specification string, err *dbus.Error) {
	return "e2e", "callbox", "1", "1.2", nil
}

func (s service) Notify(_ string, replaces uint32, _, title, body string, actions []string, _ map[string]dbus.Variant, _ int32) (uint32, *dbus.Error) {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	id := replaces
	if id == 0 {
		s.d.last++
		id = s.d.last
	}
	s.d.shown = slices.DeleteFunc(s.d.shown, func(n notification) bool { return n.id == id })
	s.d.shown = append(s.d.shown, notification{id: id, title: title, body: body, hasPress: slices.Contains(actions, "default")})
	return id, nil
}

func (s service) CloseNotification(id uint32) *dbus.Error {
	s.d.mu.Lock()
	defer s.d.mu.Unlock()
	for i := range s.d.shown {
		if s.d.shown[i].id == id {
			s.d.shown[i].closed = true
		}
	}
	return nil
}
