package sound

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gen2brain/malgo"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/haltest"
	"callbox/hal/virtual"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestListALSA(t *testing.T) {
	root := t.TempDir()
	proc, dev := filepath.Join(root, "proc"), filepath.Join(root, "dev")
	for name, text := range map[string]string{
		"pcm": "00-00: Loopback PCM : Loopback PCM : playback 8 : capture 8\n" +
			"00-01: Loopback PCM : Loopback PCM : playback 8 : capture 8\n" +
			"01-03: HDMI 0 : HDMI 0 : playback 1\n" +
			"02-00: USB Audio : USB Audio : capture 1\n" +
			"03-00: unplugged : unplugged : capture 1\n" +
			"04-00: Mine : Mine : playback 1 : capture 1\n" +
			"05-00: Filtered : Filtered : playback 1\n" +
			"06-00: New : New : playback 1\n" +
			"07-00: Closed : Closed : playback 1 : capture 1\n" +
			"08-00: Newer : Newer : playback 1 : capture 1\n" +
			"broken line\n",
		"card0/id": "Loopback\n", "card1/id": "vc4hdmi0\n", "card2/id": "C920\n",
		"card4/id": "Mine\n", "card5/id": "Filtered\n", "card6/id": "New\n", "card7/id": "Closed\n", "card8/id": "Newer\n",
	} {
		write(t, filepath.Join(proc, name), text)
	}
	link(t, filepath.Join(dev, "by-id/usb-046d_C920-02"), "../controlC2")
	link(t, filepath.Join(dev, "by-path/pci-0000:00:14.0-usb-0:2:1.2"), "../controlC2")
	link(t, filepath.Join(dev, "by-path/pci-0000:00:14.0-usbv2-0:2:1.2"), "../controlC2")
	link(t, filepath.Join(dev, "by-path/of-nothing"), "../elsewhere")
	access := func(node string) error {
		return map[string]error{
			"pcmC4D0c": unix.EACCES, "pcmC5D0p": unix.EPERM, "pcmC6D0p": unix.ENOENT,
			"controlC7": unix.EACCES, "controlC8": unix.ENOENT,
		}[filepath.Base(node)]
	}
	got, err := listALSA(proc, dev, access)
	want := []Device{
		{"Loopback,0", nil, "", "Loopback PCM", ALSA, true, true, "plughw:CARD=Loopback,DEV=0", "Loopback"},
		{"Loopback,1", nil, "", "Loopback PCM", ALSA, true, true, "plughw:CARD=Loopback,DEV=1", "Loopback"},
		{"vc4hdmi0,3", nil, "", "HDMI 0", ALSA, false, true, "plughw:CARD=vc4hdmi0,DEV=3", "vc4hdmi0"},
		{
			"C920,0", []string{"usb-046d_C920-02,0", "pci-0000:00:14.0-usb-0:2:1.2,0", "pci-0000:00:14.0-usbv2-0:2:1.2,0"}, "",
			"USB Audio", ALSA, true, false, "plughw:CARD=C920,DEV=0", "C920",
		},
		{"Mine,0", nil, "", "Mine", ALSA, false, true, "plughw:CARD=Mine,DEV=0", "Mine"},
	}
	refused := fmt.Sprintf("cannot open %[1]s/controlC7: permission denied; add the daemon's user to the group audio\n"+
		"cannot open %[1]s/pcmC4D0c: permission denied; add the daemon's user to the group audio\n"+
		"cannot open %[1]s/pcmC5D0p: operation not permitted; add DeviceAllow=char-116 rw to the unit", dev)
	if err == nil || err.Error() != refused || !reflect.DeepEqual(got, want) {
		t.Errorf("listALSA = %+v, %v; want %+v, %v", got, err, want, refused)
	}
	for name, want := range map[string]bool{"C920,0": true, "usb-046d_C920-02,0": true, "pci-0000:00:14.0-usb-0:2:1.2,0": true, "C920": false, "usb-046d_C920-02": false, "": false} {
		if got[3].Named(name) != want {
			t.Errorf("Named(%q) = %v", name, !want)
		}
	}
	if got, err := listALSA(filepath.Join(root, "none"), dev, access); len(got) != 0 || err != nil {
		t.Errorf("without sound in the kernel: %v, %v", got, err)
	}
	if err := os.Remove(filepath.Join(proc, "pcm")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(proc, "pcm"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := listALSA(proc, dev, access); err == nil {
		t.Error("an unreadable list is no error")
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, path, target string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// TestEqualCards: two cards that the kernel has given their names in the order in which
// it found them are told apart by their sockets.
func TestEqualCards(t *testing.T) {
	for name, tt := range map[string]struct {
		ids    [2]string
		links  bool
		stable bool
	}{
		"two equal ones":                  {[2]string{"Device", "Device_1"}, true, true},
		"the second one first":            {[2]string{"Device_1", "Device"}, true, true},
		"a name that was cut off":         {[2]string{"LongNameOfACard", "LongNameOfACa_1"}, true, true},
		"the sixteenth":                   {[2]string{"Device", "Device_10"}, true, true},
		"different ones":                  {[2]string{"Device", "C920"}, true, false},
		"a name that goes on":             {[2]string{"Device", "Device_One"}, true, false},
		"numbers of the kernel's drivers": {[2]string{"vc4hdmi0", "vc4hdmi1"}, true, false},
		"names that somebody has given":   {[2]string{"Mic_A", "Mic_B"}, true, false},
		"without udev":                    {[2]string{"Device", "Device_1"}, false, false},
	} {
		root := t.TempDir()
		write(t, filepath.Join(root, "pcm"), "00-00: USB Audio : USB Audio : capture 1\n01-00: USB Audio : USB Audio : capture 1\n")
		for i, id := range tt.ids {
			write(t, filepath.Join(root, fmt.Sprintf("card%d/id", i)), id+"\n")
			if tt.links {
				link(t, filepath.Join(root, fmt.Sprintf("by-path/socket-%d", i)), fmt.Sprintf("../controlC%d", i))
			}
		}
		found, err := listALSA(root, root, func(string) error { return nil })
		if err != nil || len(found) != 2 {
			t.Fatalf("%s: listALSA = %+v, %v", name, found, err)
		}
		for i, d := range found {
			want := ""
			if tt.stable {
				want = fmt.Sprintf("socket-%d,0", i)
			}
			if d.Name != tt.ids[i]+",0" || d.Stable != want || want != "" && !d.Named(want) {
				t.Errorf("%s: device %d is %+v", name, i, d)
			}
		}
	}
}

// TestRebuffer feeds counted samples in all sizes, and wants whole frames, each
// sample once and in order, on both ways.
func TestRebuffer(t *testing.T) {
	for name, sizes := range map[string][]int{
		"whole frames":    {480},
		"two at once":     {960},
		"small":           {100},
		"one by one":      {1},
		"44.1 kHz period": {441},
		"changing":        {480, 13, 1000, 480, 7, 240},
		"first too large": {1024},
	} {
		t.Run(name, func(t *testing.T) {
			var captured, played []int16
			given := int16(0)
			r := rebuffer{process: func(in, out []int16) {
				if len(in) != hal.FrameSamples || len(out) != hal.FrameSamples {
					t.Fatalf("frames of %d and %d samples", len(in), len(out))
				}
				captured = append(captured, in...)
				for i := range out {
					given++
					out[i] = given
				}
			}}
			next := int16(0)
			for i := 0; len(captured) < 20*hal.FrameSamples; i++ {
				in, out := make([]int16, sizes[i%len(sizes)]), make([]int16, sizes[i%len(sizes)])
				for j := range in {
					next++
					in[j] = next
				}
				r.exchange(out, in)
				played = append(played, out...)
			}
			for i, v := range captured {
				if v != int16(i+1) {
					t.Fatalf("captured sample %d is %d", i, v)
				}
			}
			played = slices.DeleteFunc(played, func(v int16) bool { return v == 0 })
			for i, v := range played {
				if v != int16(i+1) {
					t.Fatalf("played sample %d is %d", i, v)
				}
			}
			delay := len(r.in) + len(r.out)
			if whole := sizes[0]%hal.FrameSamples == 0 && len(sizes) == 1; whole && delay != 0 || delay > 2*hal.FrameSamples {
				t.Errorf("%d samples are held back", delay)
			}
		})
	}
}

func TestRebufferHalves(t *testing.T) {
	tone, err := virtual.NewTone(1000, true)
	if err != nil {
		t.Fatal(err)
	}
	// A speaker alone drives itself; the virtual microphone stands in.
	frames, loud := 0, false
	r := rebuffer{source: tone.Open(), process: func(in, out []int16) {
		frames++
		loud = loud || slices.Max(in) > 8000
		for i := range out {
			out[i] = 7
		}
	}}
	out := make([]int16, 700)
	for range 10 {
		r.exchange(out, nil)
		if slices.Contains(out, 0) {
			t.Fatal("the speaker ran short")
		}
	}
	if want := (7000 + hal.FrameSamples - 1) / hal.FrameSamples; frames != want || !loud {
		t.Errorf("%d frames, want %d; sound from the virtual microphone: %v", frames, want, loud)
	}

	// A microphone alone; the virtual speaker takes what would be played.
	speaker := virtual.NewSpeaker("")
	sink, err := speaker.Open()
	if err != nil {
		t.Fatal(err)
	}
	r = rebuffer{sink: sink, process: func(_, _ []int16) {}}
	for range 10 {
		r.exchange(nil, make([]int16, 700))
	}
	if n := speaker.Samples(); n != 7000/hal.FrameSamples*hal.FrameSamples {
		t.Errorf("the virtual speaker got %d samples", n)
	}
}

func TestWatch(t *testing.T) {
	for name, tt := range map[string]struct {
		runs    time.Duration // how long samples come
		present bool
		want    time.Duration // when it is lost; 0: never
	}{
		"never starts":           {0, true, startPatience},
		"stops":                  {10 * time.Second, true, 10*time.Second + runPatience},
		"unplugged":              {10 * time.Second, false, 10*time.Second + watchEvery},
		"unplugged at the start": {0, false, watchEvery},
		"goes on":                {time.Hour, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				periods := func() uint64 { return uint64(min(time.Since(start), tt.runs) / hal.FrameLength) }
				stop, done := make(chan struct{}), make(chan struct{})
				var lostAfter time.Duration
				go func() {
					defer close(done)
					watch(stop, periods, func() bool { return tt.present }, func() { lostAfter = time.Since(start) })
				}()
				if tt.want == 0 {
					time.Sleep(time.Minute)
					close(stop)
				}
				<-done
				if lostAfter < tt.want || lostAfter > tt.want+watchEvery && tt.want > 0 || tt.want == 0 && lostAfter != 0 {
					t.Errorf("lost after %v, want %v", lostAfter, tt.want)
				}
			})
		})
	}
}

func TestOpenErrors(t *testing.T) {
	process := func(_, _ []int16) {}
	for name, tt := range map[string]struct {
		config Config
		want   error
	}{
		"unknown microphone": {Config{Microphone: "nowhere,0"}, hal.ErrNotFound},
		"unknown speaker":    {Config{Speaker: "nowhere,0"}, hal.ErrNotFound},
		"null device":        {Config{Microphone: "null", Speaker: "null"}, hal.ErrNotFound},
		"nothing":            {Config{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := New(tt.config).Open(process)
			if err == nil {
				s.Close()
				t.Fatal("it was opened")
			}
			if tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("Open = %v, want %v", err, tt.want)
			}
		})
	}
}

// A device that ALSA itself refuses must give an error, and say nothing on stderr.
func TestStartErrors(t *testing.T) {
	stderr := os.Stderr
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	restore := redirect(t, file)
	device := &Device{Name: "nowhere,0", Backend: ALSA, Microphone: true, Speaker: true, id: "plughw:CARD=nowhere,DEV=0"}
	s := &stream{gone: make(chan struct{}), stop: make(chan struct{}), stopped: make(chan struct{})}
	err = s.start(device, device)
	restore()
	os.Stderr = stderr
	if errors.Is(err, malgo.ErrNoBackend) { // it is loaded by its name, and no building needs it
		haltest.Missing(t, "libasound2")
	}
	if err == nil || !strings.HasSuffix(err.Error(), "([ALSA] snd_pcm_open() failed)") || !errors.Is(err, malgo.ErrDoesNotExist) {
		t.Fatalf("a card that does not exist was opened: %v", err)
	}
	if b, err := os.ReadFile(file.Name()); err != nil || len(b) != 0 {
		t.Errorf("stderr got %q, %v", b, err)
	}
}

func TestMeaning(t *testing.T) {
	for in, want := range map[error]error{malgo.ErrBusy: hal.ErrBusy, malgo.ErrDoesNotExist: hal.ErrGone, malgo.ErrNoDevice: hal.ErrGone} {
		if err := meaning(in); !errors.Is(err, want) || !errors.Is(err, in) {
			t.Errorf("meaning(%v) = %v, want %v", in, err, want)
		}
	}
}

func TestNames(t *testing.T) {
	s := New(Config{Microphone: "C920,0", VirtualSpeaker: virtual.NewSpeaker("")})
	if s.Microphone() != "C920,0" || s.Speaker() != virtual.Name {
		t.Errorf("names = %q, %q", s.Microphone(), s.Speaker())
	}
	if s := New(Config{Speaker: "C920,0"}); s.Microphone() != "" || s.Speaker() != "C920,0" {
		t.Errorf("names = %q, %q", s.Microphone(), s.Speaker())
	}
}

// TestAccessible asks for nodes that every machine has, or has not.
func TestAccessible(t *testing.T) {
	if err := accessible("/dev/null"); err != nil {
		t.Errorf("/dev/null: %v", err)
	}
	if err := accessible("/dev/snd/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a node that is not there: %v", err)
	}
	locked := filepath.Join(t.TempDir(), "pcmC0D0p")
	if err := os.WriteFile(locked, nil, 0); err != nil {
		t.Fatal(err)
	}
	if err := accessible(locked); os.Geteuid() != 0 && !errors.Is(err, unix.EACCES) {
		t.Errorf("a node of somebody else: %v", err)
	}
}
