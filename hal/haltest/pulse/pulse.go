// Package pulse starts a private PulseAudio server with null sinks for tests:
// sound that really flows at 48 kHz on a machine without a sound card.
package pulse

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is a running PulseAudio server.
type Server struct {
	// Env is what a program needs in its environment to use the server.
	Env []string

	cancel context.CancelFunc
	done   chan struct{}
}

// Start starts a server with a null sink for each name and, as a microphone, a
// source <name>_mic that delivers what is played on that sink. Its socket and
// files are in a directory of their own; it ends with the test. This process
// uses it from now on, too (t.Setenv). It needs the Debian package pulseaudio.
func Start(t testing.TB, sinks ...string) *Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "callbox-pulse") // with a long test name, t.TempDir is too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "native")
	args := []string{
		"-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--disable-shm", "--log-target=stderr", "--log-level=warn",
		"-L", "module-native-protocol-unix auth-anonymous=1 socket=" + socket,
	}
	for _, name := range sinks {
		args = append(args,
			"-L", "module-null-sink sink_name="+name+" rate=48000 channels=2 sink_properties=device.description="+name,
			"-L", "module-remap-source master="+name+".monitor source_name="+name+"_mic source_properties=device.description="+name+"_mic",
		)
	}
	s := &Server{Env: []string{
		"PULSE_SERVER=unix:" + socket, "XDG_RUNTIME_DIR=" + dir, "HOME=" + dir,
		"PULSE_RUNTIME_PATH=" + dir, "PULSE_STATE_PATH=" + dir, "PULSE_CONFIG_PATH=" + dir,
	}, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	cmd := exec.CommandContext(ctx, "pulseaudio", args...)
	cmd.Env = append(os.Environ(), s.Env[1:]...) // without PULSE_SERVER: it would refuse to start
	var log bytes.Buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		t.Fatalf("cannot start PulseAudio: %v; install it with: apt-get install pulseaudio", err)
	}
	go func() {
		_ = cmd.Wait() // it is killed
		close(s.done)
	}()
	t.Cleanup(s.Stop)

	for deadline := time.Now().Add(10 * time.Second); ; {
		if c, err := new(net.Dialer).DialContext(ctx, "unix", socket); err == nil {
			_ = c.Close()
			break
		}
		select {
		case <-s.done:
			t.Fatalf("PulseAudio ended at once:\n%s", log.String())
		default:
		}
		if time.Now().After(deadline) {
			s.Stop()
			t.Fatalf("PulseAudio does not answer:\n%s", log.String())
		}
		time.Sleep(20 * time.Millisecond) // its start is not announced anywhere
	}
	for _, e := range s.Env {
		key, value, _ := strings.Cut(e, "=")
		if strings.HasPrefix(key, "PULSE_") {
			t.Setenv(key, value)
		}
	}
	return s
}

// Stop kills the server and waits for its end. It may be called twice.
func (s *Server) Stop() {
	s.cancel()
	<-s.done
}
