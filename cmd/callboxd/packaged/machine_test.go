//go:build packaged

package packaged

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

//go:embed boot.sh
var bootScript string

// patience is how long anything may take that should happen at once, on a machine that
// has much else to do.
const patience = 30 * time.Second

// machine is a Debian that has booted in namespaces of its own: processes, mounts,
// network (with no interface but lo), control groups.
type machine struct {
	t    *testing.T
	root string
	pid  int // of its systemd, as seen from outside
}

// boot copies the system, lets prepare (nil: nothing) change the copy and starts its
// systemd. Everything is gone with the test.
func boot(t *testing.T, system string, prepare func(root string)) *machine {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a machine needs root: namespaces, mounts, device nodes")
	}
	dir, err := os.MkdirTemp("", "callbox-packaged")
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "root")
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	command(t, "cp", "-a", "--reflink=auto", system, root)
	if prepare != nil {
		prepare(root)
	}
	log, err := os.Create(filepath.Join(dir, "console"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	// Its own context: at the test's end it is shut down in order first.
	cmd := exec.CommandContext(context.Background(), "bash", "-euc", bootScript, "boot", root)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: root}
	t.Cleanup(func() {
		if t.Failed() {
			console, _ := os.ReadFile(log.Name())
			t.Logf("the console:\n%s", console)
		}
		m.powerOff(cmd)
	})
	m.until("systemd runs", func() error {
		out, err := exec.CommandContext(t.Context(), "pgrep", "-P", strconv.Itoa(cmd.Process.Pid)).Output()
		if err != nil {
			return err
		}
		m.pid, err = strconv.Atoi(strings.TrimSpace(string(out)))
		return err
	})
	m.until("systemd has finished", func() error {
		out, _ := m.try("systemctl", "is-system-running")
		if state := strings.TrimSpace(out); state != "running" && state != "degraded" {
			return fmt.Errorf("it is %q", state)
		}
		return nil
	})
	return m
}

// powerOff shuts the machine down, and pulls the plug when that takes too long.
func (m *machine) powerOff(cmd *exec.Cmd) {
	if m.pid != 0 {
		_ = exec.CommandContext(context.Background(), "nsenter", m.enter("systemctl", "poweroff")...).Run() // else the plug
	}
	done := make(chan struct{})
	go func() { _ = cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		_ = cmd.Process.Kill() // --kill-child takes systemd with it, and that its processes
		<-done
	}
}

func (m *machine) enter(args ...string) []string {
	return append([]string{"-t", strconv.Itoa(m.pid), "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", "--",
		"env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "TERM=dumb"}, args...)
}

// try runs a command in the machine and returns what it says on both outputs.
func (m *machine) try(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(m.t.Context(), "nsenter", m.enter(args...)...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	return out.String(), err
}

// run runs a command that must work.
func (m *machine) run(args ...string) string {
	m.t.Helper()
	out, err := m.try(args...)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// fails runs a command that must not work, and returns its exit code.
func (m *machine) fails(args ...string) (code int, out string) {
	m.t.Helper()
	out, err := m.try(args...)
	if err == nil {
		m.t.Fatalf("%s works:\n%s", strings.Join(args, " "), out)
	}
	if exit := (*exec.ExitError)(nil); asExit(err, &exit) {
		return exit.ExitCode(), out
	}
	m.t.Fatalf("%s: %v", strings.Join(args, " "), err)
	return 0, ""
}

// write writes a file in the machine.
func (m *machine) write(path, text string) {
	m.t.Helper()
	path = filepath.Join(m.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// exists reports whether there is such a file in the machine.
func (m *machine) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(m.root, path))
	return err == nil
}

// until waits until f has no error any more.
func (m *machine) until(what string, f func() error) {
	m.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			m.t.Fatalf("waiting until %s: %v", what, err)
		}
	}
}

// show is a property of the unit.
func (m *machine) show(property string) string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl", "show", "callbox.service", "--value", "--property="+property))
}

// untilShow waits until a property of the unit has a value.
func (m *machine) untilShow(property, want string) {
	m.t.Helper()
	m.until(property+" is "+want, func() error {
		if got := m.show(property); got != want {
			return fmt.Errorf("it is %q", got)
		}
		return nil
	})
}

// journal is what the unit has logged since it was installed, with these fields.
func (m *machine) journal(match ...string) string {
	m.t.Helper()
	return m.run(append([]string{"journalctl", "--quiet", "--no-pager", "-o", "json", "-u", "callbox.service"}, match...)...)
}

// untilJournal waits until the journal has a text in an entry with these fields.
func (m *machine) untilJournal(text string, match ...string) {
	m.t.Helper()
	m.until("the journal has "+text, func() error {
		if got := m.journal(match...); !strings.Contains(got, text) {
			return fmt.Errorf("it has %s", tail(got))
		}
		return nil
	})
}

func tail(text string) string { return text[max(0, len(text)-2000):] }

// command runs a command outside, which must work.
func command(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
