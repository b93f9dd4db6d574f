package control_test

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
)

func listen(t *testing.T, o control.Options, log zerolog.Logger) error {
	t.Helper()
	s, err := control.Listen(o, &backend{}, control.NewEvents(time.Now), log)
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return err
}

func TestSocketIsForItsGroup(t *testing.T) {
	me, err := user.LookupGroupId(strconv.Itoa(os.Getegid()))
	if err != nil {
		t.Skipf("this process runs with a group that has no name: %v", err)
	}
	for name, tt := range map[string]struct {
		group string
		warns string
	}{
		"its own":        {me.Name, ""},
		"none":           {"", ""},
		"one that isn't": {"no-such-group", "groupadd --system no-such-group"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "control.sock")
			var log bytes.Buffer
			if err := listen(t, control.Options{Path: path, Group: tt.group}, zerolog.New(&log)); err != nil {
				t.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if mode := info.Mode().Perm(); mode != 0o660 {
				t.Errorf("mode = %o, want 660", mode)
			}
			if gid := info.Sys().(*syscall.Stat_t).Gid; int(gid) != os.Getegid() {
				t.Errorf("group = %d, want %d", gid, os.Getegid())
			}
			if got := log.String(); (tt.warns == "") != (got == "") || !strings.Contains(got, tt.warns) {
				t.Errorf("logged %q, want %q", got, tt.warns)
			}
		})
	}
}

// asStranger is set in the environment of a copy of this test that runs as another
// user and does nothing but connect.
const asStranger = "CALLBOX_TEST_SOCKET"

// TestStranger: who is neither root, the daemon's user nor in the group cannot
// connect; a member can.
func TestStranger(t *testing.T) {
	if socket := os.Getenv(asStranger); socket != "" {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
		}
		fmt.Fprintf(os.Stdout, "connect: %v\n", err)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can start a process as another user")
	}
	group, err := user.LookupGroup("daemon")
	if err != nil {
		t.Skipf("this system has no group daemon: %v", err)
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		t.Fatal(err)
	}
	// t.TempDir is root's alone; the folder and this program must be open to all,
	// so that only the socket's own mode decides.
	dir, err := os.MkdirTemp("", "callbox")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "stranger")
	if err := os.WriteFile(program, self, 0o755); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "control.sock")
	if err := listen(t, control.Options{Path: socket, Group: "daemon"}, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	const nobody = 65534
	for name, tt := range map[string]struct {
		groups []uint32
		want   string
	}{
		"a stranger":            {nil, "permission denied"},
		"a member of the group": {[]uint32{uint32(gid)}, "connect: <nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestStranger$")
			cmd.Env = append(os.Environ(), asStranger+"="+socket)
			cmd.Dir = dir
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody, Groups: tt.groups}}
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("cannot run as another user: %v\n%s", err, out)
			}
			if !strings.Contains(string(out), tt.want) {
				t.Errorf("it says\n%swant %q", out, tt.want)
			}
		})
	}
}

func TestSocketThatIsThere(t *testing.T) {
	dir := t.TempDir()
	t.Run("of a dead daemon", func(t *testing.T) {
		path := filepath.Join(dir, "dead.sock")
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		l.Close()
		if err := listen(t, control.Options{Path: path}, zerolog.Nop()); err != nil {
			t.Fatalf("a stale socket is in the way: %v", err)
		}
	})
	t.Run("of a living daemon", func(t *testing.T) {
		_, _, socket := serve(t, &backend{})
		if err := listen(t, control.Options{Path: socket}, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "another callboxd") {
			t.Errorf("Listen = %v", err)
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(dir, "precious")
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := listen(t, control.Options{Path: path}, zerolog.Nop()); err == nil {
			t.Error("Listen replaced a file")
		}
		if _, err := os.Stat(path); err != nil {
			t.Error("Listen removed a file")
		}
	})
}

// TestLink: a socket that is elsewhere is found where programs look for it, for as long as
// the daemon runs.
func TestLink(t *testing.T) {
	dir := t.TempDir()
	own, usual := filepath.Join(dir, "own"), filepath.Join(dir, "usual")
	if err := os.Symlink(filepath.Join(dir, "gone"), usual); err != nil { // of one that was killed
		t.Fatal(err)
	}
	s, err := control.Listen(control.Options{Path: own, Link: usual}, &backend{}, control.NewEvents(time.Now), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("unix", usual)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if err := listen(t, control.Options{Path: usual}, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), "another callboxd answers") {
		t.Errorf("over a link that somebody answers on: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(usual); !os.IsNotExist(err) {
		t.Errorf("the link is left: %v", err)
	}
	if err := os.Symlink(own, usual); err != nil { // killed again, and now its socket is the usual one
		t.Fatal(err)
	}
	if err := listen(t, control.Options{Path: usual, Link: usual}, zerolog.Nop()); err != nil {
		t.Error(err)
	}
	if info, err := os.Lstat(usual); err != nil || info.Mode()&os.ModeSocket == 0 {
		t.Errorf("it is no socket: %v %v", info, err)
	}
	var log bytes.Buffer
	busy := filepath.Join(dir, "busy")
	if err := os.WriteFile(busy, []byte("another's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := listen(t, control.Options{Path: own, Link: busy}, zerolog.New(&log)); err != nil || !strings.Contains(log.String(), "found by its own path only") {
		t.Errorf("where another file is: %v %s", err, &log)
	}
	if text, err := os.ReadFile(busy); err != nil || string(text) != "another's" {
		t.Errorf("the other file is touched: %q %v", text, err)
	}
}
