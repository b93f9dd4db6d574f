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
	kernelAdd    = "add@/devices/pci0000:00/video4linux/video0\x00ACTION=add\x00DEVPATH=/devices/x\x00SUBSYSTEM=video4linux\x00MAJOR=81\x00"
	kernelRemove = "remove@/devices/x\x00ACTION=remove\x00SUBSYSTEM=video4linux\x00"
	kernelOther  = "add@/devices/x\x00ACTION=add\x00SUBSYSTEM=block\x00"
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
	for name, tt := range map[string]struct{ event, action, subsystem string }{
		"kernel":                  {kernelAdd, "add", "video4linux"},
		"kernel, unplugged":       {kernelRemove, "remove", "video4linux"},
		"udev":                    {udev("ACTION=add\x00SUBSYSTEM=sound\x00ID_PATH=x\x00"), "add", "sound"},
		"udev, cut off":           {udev("")[:15], "", ""},
		"udev, a mad offset":      {"libudev\x00\xfe\xed\xca\xfe\xff\xff\xff\xff\xff\xff\xff\xff", "", ""},
		"empty":                   {"", "", ""},
		"a path that looks alike": {"add@/ACTION=remove\x00ACTION=add\x00SUBSYSTEM=block\x00", "add", "block"},
	} {
		if action, subsystem := parse([]byte(tt.event)); action != tt.action || subsystem != tt.subsystem {
			t.Errorf("%s: parse = %q, %q", name, action, subsystem)
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
		events []string
		want   time.Duration
		both   bool // what is pulled out counts, too
	}{
		"nothing":            {nil, 2 * time.Second, false},
		"plugged in":         {[]string{kernelAdd}, settle, false},
		"told four times":    {[]string{kernelAdd, kernelAdd, udev("ACTION=add\x00SUBSYSTEM=video4linux\x00"), kernelAdd}, settle, false},
		"something else":     {[]string{kernelOther, kernelRemove}, 2 * time.Second, false},
		"events were lost":   {[]string{"overrun"}, settle, false},
		"pulled out":         {[]string{kernelOther, kernelRemove}, settle, true},
		"other things first": {[]string{kernelOther, kernelAdd}, settle, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := make(packets, 10)
				actions := []string{"add"}
				if tt.both {
					actions = append(actions, "remove")
				}
				m := listen(p, actions, []string{"video4linux"})
				for _, e := range tt.events {
					p <- e
				}
				synctest.Wait()
				begin := time.Now()
				m.Wait(t.Context(), 2*time.Second)
				if d := time.Since(begin); d != tt.want {
					t.Errorf("waited %v, want %v", d, tt.want)
				}
				begin = time.Now()
				m.Wait(t.Context(), 3*time.Second)
				if d := time.Since(begin); d != 3*time.Second {
					t.Errorf("waited %v once more, want 3 s", d)
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				m.Wait(ctx, time.Hour)
				m.Close()
			})
		})
	}
}

// TestKernel asks the kernel for an event of a device that every Linux has.
func TestKernel(t *testing.T) {
	m, err := Open("mem")
	if err != nil {
		t.Skipf("no netlink here: %v", err)
	}
	defer func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := os.WriteFile("/sys/class/mem/null/uevent", []byte("add"), 0); err != nil {
		t.Skipf("cannot ask the kernel for an event: %v", err)
	}
	begin := time.Now()
	m.Wait(t.Context(), 20*time.Second)
	if d := time.Since(begin); d > 10*time.Second {
		if os.Getenv("container") != "" {
			t.Skip("a container's kernel sends events to its host only")
		}
		t.Errorf("the event was not heard within %v", d)
	}
}
