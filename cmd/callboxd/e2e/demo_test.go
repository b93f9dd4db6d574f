//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// codeURL is a pairing code as the demo prints it.
var codeURL = regexp.MustCompile(`http://127\.0\.0\.1:\d+/#pair=[A-Za-z0-9_-]+`)

// demo is a demo in a terminal of its own.
type demo struct {
	*exec.Cmd
	exited chan struct{}
}

// startDemo starts the demo, which writes into dir, by the program first, if any.
func startDemo(t *testing.T, dir string, first ...string) (_ *demo, keys io.Writer, screen *lockedBuffer) {
	t.Helper()
	// script gives it a terminal. The flags: quiet, its exit code is the demo's, and
	// what it writes is written at once.
	command := append(first, "script", "-qefc", "packaging/examples/demo.sh "+dir, "/dev/null")
	d := &demo{exec.Command(command[0], command[1:]...), make(chan struct{})}
	d.Dir = "../../.."
	d.Env = append(os.Environ(), "CALLBOX_SIGNALING_DIRECT_LISTEN=127.0.0.1:"+freePort(t, "127.0.0.1"))
	keys, err := d.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	screen = &lockedBuffer{}
	d.Stdout, d.Stderr = screen, screen
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(d.exited)
		_ = d.Wait() // its state is looked at
	}()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the screen:\n%s", screen)
		}
		_ = d.Process.Kill() // its terminal goes, and so does the demo
		<-d.exited
	})
	return d, keys, screen
}

// TestDemo: what "make run" starts, in a terminal. It tells what is in use, what to
// open and which keys there are, in that order; another code takes the place of the
// first; it stops and leaves nothing behind.
func TestDemo(t *testing.T) {
	dir := t.TempDir()
	demo, keys, screen := startDemo(t, dir)
	shows := func(within time.Duration, what string) {
		t.Helper()
		eventually(t, within, "the screen shows "+what, func() bool { return strings.Contains(screen.String(), what) })
	}

	shows(20*time.Second, " is idle")
	text, last := screen.String(), 0
	for _, what := range []string{"Camera", "Microphone", "Speaker", "#pair=", "Works once", "q  stop", " is idle"} {
		i := strings.Index(text, what)
		if i < last {
			t.Errorf("%q is at %d of the screen, what should stand before it at %d", what, i, last)
		}
		last = i
	}
	if n := strings.Count(text, "▀") + strings.Count(text, "▄") + strings.Count(text, "█"); n < 100 {
		t.Errorf("the screen has no QR code: only %d blocks", n)
	}
	if got := speaking(t, dir, "pair"); got != 1 {
		t.Errorf("%d processes offer codes, want 1", got)
	}

	first := codeURL.FindString(text)
	press(t, keys, "p")
	eventually(t, 10*time.Second, "the screen shows another code", func() bool {
		all := codeURL.FindAllString(screen.String(), -1)
		return len(all) == 2 && all[1] != first
	})
	eventually(t, 5*time.Second, "one process offers codes", func() bool { return speaking(t, dir, "pair") == 1 })
	// Two of them would take turns for ever.
	time.Sleep(time.Second)
	if n := len(codeURL.FindAllString(screen.String(), -1)); n != 2 {
		t.Errorf("the screen has %d codes after p was pressed once, want 2", n)
	}
	press(t, keys, "a") // nothing rings: a word, no end
	shows(5*time.Second, "no call is running")

	if !strings.Contains(screen.String(), "export CALLBOX_CONTROL_SOCKET="+dir+"/control.sock") {
		t.Error("the screen does not say how callboxctl reaches the device")
	}

	// A second one beside it says so, and touches nothing of the first.
	log, codes := filepath.Join(dir, "callboxd.log"), len(codeURL.FindAllString(screen.String(), -1))
	before, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	second, _, said := startDemo(t, dir)
	<-second.exited
	after, err := os.ReadFile(log)
	if err != nil || second.ProcessState.ExitCode() != 1 || !strings.Contains(said.String(), "runs already") || strings.Contains(said.String(), "#pair=") {
		t.Errorf("a second demo: %v, %v\n%s", second.ProcessState, err, said)
	}
	if !bytes.HasPrefix(after, before) || len(codeURL.FindAllString(screen.String(), -1)) != codes {
		t.Error("a second demo changed the log or the pairing code of the first")
	}

	press(t, keys, "q")
	select {
	case <-demo.exited:
		if code := demo.ProcessState.ExitCode(); code != 0 {
			t.Errorf("the demo ended with %v", demo.ProcessState)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("the demo runs on after q")
	}
	shows(0, "callbox has stopped.")
	if strings.Contains(screen.String(), "systemctl") {
		t.Error("the end looks like a failure")
	}
	eventually(t, 5*time.Second, "nothing of it runs", func() bool { return speaking(t, dir, "") == 0 })
}

// TestDemoCtrlC: Ctrl-C goes to all programs of a terminal at once, and is no failure of
// any of them.
func TestDemoCtrlC(t *testing.T) {
	dir := t.TempDir()
	demo, keys, screen := startDemo(t, dir)
	eventually(t, 20*time.Second, "the demo runs", func() bool { return strings.Contains(screen.String(), " is idle") })
	press(t, keys, "\x03")
	select {
	case <-demo.exited:
	case <-time.After(15 * time.Second):
		t.Fatal("the demo runs on after Ctrl-C")
	}
	if text := screen.String(); !strings.Contains(text, "callbox has stopped.") || strings.Contains(text, "systemctl") {
		t.Error("the end looks like a failure")
	}
	eventually(t, 5*time.Second, "nothing of it runs", func() bool { return speaking(t, dir, "") == 0 })
}

// TestDemoEndsWithItsTerminal: who closes the window has stopped the demo, even one that
// is never told so: a program that is started with SIGHUP ignored, as nohup does it, hands
// that on to all that it starts, and a shell cannot trap what it was told to ignore.
func TestDemoEndsWithItsTerminal(t *testing.T) {
	for name, first := range map[string][]string{
		"SIGHUP":         {"env", "--default-signal=HUP"}, // whatever starts the tests
		"SIGHUP ignored": {"env", "--ignore-signal=HUP"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			demo, _, screen := startDemo(t, dir, first...)
			eventually(t, 20*time.Second, "the demo runs", func() bool { return strings.Contains(screen.String(), " is idle") })
			if err := demo.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			eventually(t, 10*time.Second, "nothing of it runs", func() bool { return speaking(t, dir, "") == 0 })
		})
	}
}

func press(t *testing.T, keys io.Writer, key string) {
	t.Helper()
	if _, err := io.WriteString(keys, key); err != nil {
		t.Fatal(err)
	}
}

// speaking counts the processes that speak to the device of that directory, or are
// it, and have a word on their command line; "" is any.
func speaking(t *testing.T, dir, word string) (n int) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		line, err := os.ReadFile(p + "/cmdline")
		if err != nil {
			continue // it has ended meanwhile
		}
		args := bytes.Split(bytes.TrimRight(line, "\x00"), []byte{0})
		environment, _ := os.ReadFile(p + "/environ") // of others it may not be read
		if !strings.HasPrefix(filepath.Base(string(args[0])), "callbox") || !bytes.Contains(environment, []byte(fmt.Sprintf("CALLBOX_CONTROL_SOCKET=%s/", dir))) {
			continue
		}
		for _, a := range args[1:] {
			if word == "" || string(a) == word {
				n++
				break
			}
		}
	}
	return n
}
