//go:build e2e || device

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/hal/haltest"
	"callbox/signaling/pairing"
)

// binaries is where make build puts them; raceBinary is a callboxd that was built
// with the race detector.
const (
	binaries   = "../../../build/bin"
	raceBinary = "../../../build/race/callboxd"
)

// device is a running callboxd with a state directory of its own.
type device struct {
	t      testing.TB
	binary string
	dir    string
	socket string
	log    *lockedBuffer
	cmd    *exec.Cmd
	exited chan struct{}
	ports  ports

	namespace string // the network namespace that it runs in; "": this one
	hide      string // a file that it does not see; "": none
	asUnit    bool   // with what its unit gives it

	// remote runs callboxctl where the daemon is; nil: on this machine.
	remote func(args ...string) ([]byte, error)
	// forward is the host:port on this machine that leads to the daemon's; "": none.
	forward string
}

// deviceOptions are the parts of the configuration in which the tests differ.
type deviceOptions struct {
	sn     string  // default e2e
	name   string  // default Front door
	listen string  // default: a free port on 127.0.0.1
	origin string  // of another page that may connect
	ring   string  // ring time-out; default 30s
	tone   float64 // of the virtual microphone, in Hz
	voice  string  // WAV file for the virtual microphone, in place of the tone
	extra  string  // more YAML: whole top-level sections
	call   string  // more YAML below call:, indented by two
	media  string  // more YAML below media:, likewise
	hal    string  // more YAML below hal:, likewise
	ways   string  // more YAML below signaling:, likewise
	ice    string  // more of media.ice, as in ", relay_only: true"
	width  int     // of the camera's picture; default 640
	height int
	rate   int // pictures a second; default 20

	namespace string // the network namespace that it runs in; "": this one

	hide string // a file that the daemon does not see; "": none. Needs root.

	race      bool // with the race detector
	noDirect  bool // no listener of its own
	noDisplay bool // the phone's video is not decoded
	asUnit    bool // with the environment and the timers' slack of its systemd unit
	quiet     bool // logs only what goes wrong
}

func startDevice(t testing.TB, o deviceOptions) *device {
	t.Helper()
	dir := t.TempDir()
	if o.listen == "" {
		o.listen = "127.0.0.1:" + freePort(t, "127.0.0.1")
	}
	if o.sn == "" {
		o.sn, o.name = "e2e", "Front door"
	}
	if o.ring == "" {
		o.ring = "30s"
	}
	if o.width == 0 {
		o.width, o.height = 640, 360
	}
	if o.rate == 0 {
		o.rate = 20
	}
	if o.ring == "" {
		o.ring = "30s"
	}
	display, level := "{name: virtual, record: "+dir+"/display.y4m}", "debug"
	if o.noDisplay {
		display = "{name: none}"
	}
	if o.quiet {
		level = "warn"
	}
	d := &device{t: t, binary: filepath.Join(binaries, "callboxd"), dir: dir, socket: filepath.Join(dir, "control.sock"), log: &lockedBuffer{}}
	if o.race {
		d.binary = raceBinary
	}
	d.namespace, d.hide, d.asUnit = o.namespace, o.hide, o.asUnit
	voice := ""
	if o.voice != "" {
		voice = ", file: " + o.voice
	}
	config := fmt.Sprintf(`
device: {sn: %[12]s, name: %[13]s, state_dir: %[1]s/state}
control: {socket: %[1]s/control.sock}
signaling:
  direct: {enabled: %[16]t, listen: "%[2]s", origins: [%[15]s]}
%[17]s
call:
  ring_timeout: %[14]s
%[3]s
hal:
  camera: {name: virtual, size: %[4]dx%[5]d, frame_rate: %[6]d}
  microphone: {name: virtual, tone: %[7]g%[19]s}
  speaker: {name: virtual, record: %[1]s/speaker.wav}
  display: %[9]s
%[20]s
media:
  ice: {loopback: true%[18]s}
%[10]s
log: {level: %[11]s, format: json}
%[8]s
`, dir, o.listen, o.call, o.width, o.height, o.rate, o.tone, o.extra, display, o.media, level, o.sn, o.name, o.ring, o.origin, !o.noDirect, o.ways, o.ice, voice, o.hal)
	path := filepath.Join(dir, "callbox.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	d.start(path)
	t.Cleanup(d.stop)
	return d
}

func (d *device) start(config string) {
	d.t.Helper()
	d.cmd = exec.Command(d.binary, "run", "--config", config)
	if d.namespace != "" {
		d.cmd = exec.Command("ip", "netns", "exec", d.namespace, d.binary, "run", "--config", config)
	}
	if d.hide != "" {
		d.cmd = exec.Command("unshare", "--mount", "sh", "-c", `mount --bind /dev/null "$0" && exec "$@"`, d.hide, d.binary, "run", "--config", config)
	}
	d.cmd.Stderr, d.cmd.Stdout = d.log, d.log
	start := d.cmd.Start
	if d.asUnit {
		start = func() error { return startAsUnit(d.t, d.cmd) }
	}
	if err := start(); err != nil {
		d.t.Fatalf("cannot start callboxd: %v; run make e2e, which builds it", err)
	}
	d.exited = make(chan struct{})
	go func() { _ = d.cmd.Wait(); close(d.exited) }()
	eventually(d.t, 20*time.Second, "callboxd answers on its socket", func() bool {
		select {
		case <-d.exited:
			d.t.Fatalf("callboxd ended at once:\n%s", d.log)
		default:
		}
		_, err := d.tryCtl("status")
		return err == nil
	})
}

// restart stops the daemon, lets between do its work, and starts it again.
func (d *device) restart(between func()) {
	d.t.Helper()
	d.stop()
	between()
	d.start(filepath.Join(d.dir, "callbox.yaml"))
}

// reachable returns a pairing URL as this machine's browser reaches it.
func (d *device) reachable(pairingURL string) string {
	d.t.Helper()
	if d.forward == "" {
		return pairingURL
	}
	link, err := pairing.ParseLink(pairingURL)
	if err != nil {
		d.t.Fatal(err)
	}
	link.Endpoints = []string{"wss://" + d.forward + "/signal"}
	fragment, err := link.Fragment()
	if err != nil {
		d.t.Fatal(err)
	}
	return "https://" + d.forward + "/" + fragment
}

// page is the address of the call page.
func (d *device) page() string {
	d.t.Helper()
	s := ctl[struct {
		Transports []struct {
			URLs []string `json:"urls"`
		} `json:"transports"`
	}](d, "status")
	if len(s.Transports) == 0 || len(s.Transports[0].URLs) == 0 {
		d.t.Fatal("the device has no page")
	}
	return s.Transports[0].URLs[0]
}

// stop ends the daemon politely and fails the test when it does not go.
func (d *device) stop() {
	select {
	case <-d.exited:
	default:
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-d.exited:
		case <-time.After(15 * time.Second):
			_ = d.cmd.Process.Signal(syscall.SIGABRT)
			<-d.exited
			d.t.Errorf("callboxd did not stop within 15 s of SIGTERM:\n%s", d.log)
		}
	}
	if d.t.Failed() {
		d.t.Logf("log of callboxd:\n%s", d.log)
	}
	// A daemon that stops as it should ends with 0; the race detector makes it 66.
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		d.t.Errorf("callboxd ended with %v:\n%s", d.cmd.ProcessState, d.log)
	}
	if strings.Contains(d.log.String(), "DATA RACE") || strings.Contains(d.log.String(), "panic:") {
		d.t.Errorf("callboxd raced or panicked:\n%s", d.log)
	}
}

func (d *device) pid() int { return d.cmd.Process.Pid }

// tryCtl runs callboxctl with --json and returns what it printed.
func (d *device) tryCtl(args ...string) ([]byte, error) {
	if d.remote != nil {
		return d.remote(args...)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "callboxctl"), append([]string{"--socket", d.socket, "--json"}, args...)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("callboxctl %s: %w: %s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.Bytes(), nil
}

// ctl runs callboxctl and decodes its JSON into a T.
func ctl[T any](d *device, args ...string) T {
	d.t.Helper()
	out, err := d.tryCtl(args...)
	if err != nil {
		d.t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(out, &v); err != nil {
		d.t.Fatalf("callboxctl %v printed no JSON: %v\n%s", args, err, out)
	}
	return v
}

// ports are the UDP ports that a process has had open.
type ports struct {
	mu   sync.Mutex
	seen map[int]bool
}

// status is the part of callboxctl status that the tests read.
type status struct {
	State string `json:"state"`
	Call  *struct {
		RoomID   string          `json:"roomId"`
		State    string          `json:"state"`
		Deadline float64         `json:"deadline"`
		Media    json.RawMessage `json:"media"`
	} `json:"call"`
	SN      string            `json:"sn"`
	Refused map[string]uint64 `json:"refused"`
}

func (d *device) status() status { d.t.Helper(); return ctl[status](d, "status") }

func (d *device) waitState(want string, within time.Duration) {
	d.t.Helper()
	eventually(d.t, within, "the device is "+want, func() bool { return d.status().State == want })
}

// refusals adds up all refusal counters.
func (s status) refusals() uint64 {
	var sum uint64
	for _, n := range s.Refused {
		sum += n
	}
	return sum
}

// record is the part of a call record that the tests read.
type record struct {
	RoomID      string    `json:"roomId"`
	Contact     string    `json:"contact"`
	Cause       string    `json:"cause"`
	Origin      string    `json:"origin"`
	Detail      string    `json:"detail"`
	TalkSeconds float64   `json:"talkSeconds"`
	Ended       time.Time `json:"ended"`

	Link *control.TalkLink `json:"link"`
}

func (d *device) lastCall() record {
	d.t.Helper()
	calls := ctl[[]record](d, "calls")
	if len(calls) == 0 {
		d.t.Fatal("the device has no call records")
	}
	return calls[0]
}

// eventually waits until ok, for things that happen in other processes.
func eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); ; time.Sleep(50 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}

// freePort finds a port that no browser here is given by the kernel.
func freePort(t testing.TB, host string) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(haltest.Port())
		if l, err := net.Listen("tcp", net.JoinHostPort(host, port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("there is no free port")
	return ""
}

// lockedBuffer is a bytes.Buffer that two goroutines may use.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
