package hotplug

import (
	"context"
	"encoding/binary"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	kernelAdd     = "add@/devices/pci0000:00/video4linux/video0\x00ACTION=add\x00DEVPATH=/devices/x\x00SUBSYSTEM=video4linux\x00MAJOR=81\x00DEVNAME=video0\x00"
	kernelRemove  = "remove@/devices/x\x00ACTION=remove\x00SUBSYSTEM=video4linux\x00"
	kernelOther   = "add@/devices/x\x00ACTION=add\x00SUBSYSTEM=block\x00"
	kernelPCM     = "add@/devices/x\x00ACTION=add\x00SUBSYSTEM=sound\x00DEVNAME=snd/pcmC1D0p\x00"
	kernelControl = "add@/devices/x\x00ACTION=add\x00SUBSYSTEM=sound\x00DEVNAME=snd/controlC1\x00"
	kernelScreen  = "change@/devices/x\x00ACTION=change\x00SUBSYSTEM=drm\x00HOTPLUG=1\x00CONNECTOR=31\x00DEVNAME=dri/card0\x00"
	kernelLease   = "change@/devices/x\x00ACTION=change\x00SUBSYSTEM=drm\x00LEASE=1\x00DEVNAME=dri/card0\x00"
)

// udev wraps properties as udev does.
func udev(properties string) string {
	h := append([]byte("libudev\x00"), make([]byte, 32)...)
	binary.BigEndian.PutUint32(h[8:], 0xfeedcafe)
	binary.NativeEndian.PutUint32(h[12:], uint32(len(h)))
	binary.NativeEndian.PutUint32(h[16:], uint32(len(h)))
	binary.NativeEndian.PutUint32(h[20:], uint32(len(properties)))
	return string(h) + properties
}

func TestParse(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want event
	}{
		"kernel":                  {kernelAdd, event{"add", "video4linux", "video0", false}},
		"kernel, unplugged":       {kernelRemove, event{"remove", "video4linux", "", false}},
		"kernel, a sound card":    {kernelControl, event{"add", "sound", "controlC1", false}},
		"kernel, a screen":        {kernelScreen, event{"change", "drm", "card0", true}},
		"udev":                    {udev("ACTION=add\x00SUBSYSTEM=sound\x00DEVNAME=/dev/snd/controlC1\x00"), event{"add", "sound", "controlC1", false}},
		"udev, cut off":           {udev("")[:15], event{}},
		"udev, a mad offset":      {"libudev\x00\xfe\xed\xca\xfe\xff\xff\xff\xff\xff\xff\xff\xff", event{}},
		"empty":                   {"", event{}},
		"a path that looks alike": {"add@/ACTION=remove\x00ACTION=add\x00SUBSYSTEM=block\x00", event{"add", "block", "", false}},
	} {
		if got := parse([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: parse = %+v, want %+v", name, got, tt.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(kernelAdd))
	f.Add([]byte(udev("ACTION=add\x00SUBSYSTEM=sound\x00")))
	f.Fuzz(func(_ *testing.T, p []byte) { parse(p) })
}

// packets is a socket whose packets come out of a channel.
type packets chan string

func (p packets) Read(b []byte) (int, error) {
	switch s, ok := <-p; {
	case !ok:
		return 0, os.ErrClosed
	case s == "overrun":
		return 0, unix.ENOBUFS
	default:
		return copy(b, s), nil
	}
}

func (p packets) Close() error { close(p); return nil }

var _ io.ReadCloser = packets(nil)

func TestWait(t *testing.T) {
	for name, tt := range map[string]struct {
		kind   Kind
		events []string
		heard  bool
		both   bool // what is pulled out counts, too
	}{
		"nothing":                  {Cameras, nil, false, false},
		"plugged in":               {Cameras, []string{kernelAdd}, true, false},
		"told four times":          {Cameras, []string{kernelAdd, kernelAdd, udev("ACTION=add\x00SUBSYSTEM=video4linux\x00"), kernelAdd}, true, false},
		"something else":           {Cameras, []string{kernelOther, kernelRemove, kernelControl, kernelScreen}, false, false},
		"events were lost":         {Cameras, []string{"overrun"}, true, false},
		"pulled out":               {Cameras, []string{kernelOther, kernelRemove}, true, true},
		"other things first":       {Cameras, []string{kernelOther, kernelAdd}, true, false},
		"a part of a sound card":   {SoundCards, []string{kernelPCM}, false, true},
		"all of a sound card":      {SoundCards, []string{kernelPCM, kernelControl}, true, false},
		"a screen":                 {Screens, []string{kernelScreen}, true, false},
		"a graphics card":          {Screens, []string{"add@/x\x00ACTION=add\x00SUBSYSTEM=drm\x00DEVNAME=dri/card1\x00"}, true, false},
		"a screen is lent":         {Screens, []string{kernelLease}, false, true},
		"a camera is not a screen": {Screens, []string{kernelAdd}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := make(packets, 10)
				m := New(p)
				defer m.Close()
				l := m.listen(tt.both, []Kind{tt.kind})
				defer l.Close()
				for _, e := range tt.events {
					p <- e
				}
				synctest.Wait()
				if tt.heard {
					wantWait(t, l, 10*time.Second, settle)
					for begin := time.Now(); time.Since(begin) < unsure-settle; { // it may not be usable yet
						wantWait(t, l, 10*time.Second, again)
					}
				}
				wantWait(t, l, 10*time.Second, 10*time.Second)
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				l.Wait(ctx, time.Hour)
			})
		})
	}
}

func wantWait(t *testing.T, l *Listener, most, want time.Duration) {
	t.Helper()
	begin := time.Now()
	l.Wait(t.Context(), most)
	if d := time.Since(begin); d != want {
		t.Errorf("waited %v, want %v", d, want)
	}
}

// TestNext: it returns once for what one plug makes, however long that was ago.
func TestNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := make(packets, 10)
		m := New(p)
		defer m.Close()
		l := m.ListenBoth(Cameras, SoundCards)
		defer l.Close()
		for _, events := range [][]string{{kernelAdd, kernelAdd}, {kernelPCM, kernelControl}, {kernelRemove}} {
			for _, e := range events {
				p <- e
			}
			if !l.Next(t.Context()) {
				t.Errorf("Next says that the context has ended")
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		if begin := time.Now(); l.Next(ctx) || time.Since(begin) != time.Hour {
			t.Errorf("without an event Next has returned after %v", time.Since(begin))
		}
	})
}

// TestListeners: each hears of its own kinds, as often as it waits, until it is closed;
// one without a monitor waits for the time only.
func TestListeners(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := make(packets, 10)
		m := New(p)
		camera, sound, late := m.Listen(Cameras), m.Listen(SoundCards), m.Listen(Cameras)
		late.Close()
		late.Close()
		deaf := (*Monitor)(nil).Listen(Cameras)
		p <- kernelAdd
		synctest.Wait()
		for l, want := range map[*Listener]time.Duration{camera: settle, sound: time.Minute, late: time.Minute, deaf: time.Minute} {
			wantWait(t, l, time.Minute, want)
		}
		p <- kernelControl
		time.Sleep(time.Minute)
		wantWait(t, sound, time.Minute, settle)
		wantWait(t, sound, time.Minute, time.Minute) // what came a minute ago can be used, or cannot
		wantWait(t, camera, time.Minute, time.Minute)
		for _, l := range []*Listener{camera, sound, deaf} {
			l.Close()
		}
		if n := len(m.listeners); n != 0 {
			t.Errorf("%d listeners are left", n)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
		wantWait(t, m.Listen(Cameras), time.Minute, time.Minute)
	})
}

// TestKernel asks the kernel for an event of a device that every Linux has.
func TestKernel(t *testing.T) {
	m, err := Open()
	if err != nil {
		t.Skipf("no netlink here: %v", err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	l := m.Listen(Kind{subsystem: "mem", node: "null"})
	if err := os.WriteFile("/sys/class/mem/null/uevent", []byte("add"), 0); err != nil {
		t.Skipf("cannot ask the kernel for an event: %v", err)
	}
	begin := time.Now()
	l.Wait(t.Context(), 20*time.Second)
	if d := time.Since(begin); d > 10*time.Second {
		if os.Getenv("container") != "" {
			t.Skip("a container's kernel sends events to its host only")
		}
		t.Errorf("the event was not heard within %v", d)
	}
}
