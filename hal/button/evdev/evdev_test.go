package evdev

import (
	"encoding/binary"
	"errors"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"callbox/hal/button/key"
)

// raw makes one struct input_event of this machine.
func raw(at time.Duration, typ, code uint16, value int32) []byte {
	var p []byte
	for _, n := range []uint64{uint64(at / time.Second), uint64(at % time.Second / time.Microsecond)} {
		if wordSize == 4 {
			p = binary.NativeEndian.AppendUint32(p, uint32(n))
		} else {
			p = binary.NativeEndian.AppendUint64(p, n)
		}
	}
	p = binary.NativeEndian.AppendUint16(p, typ)
	p = binary.NativeEndian.AppendUint16(p, code)
	return binary.NativeEndian.AppendUint32(p, uint32(value))
}

const (
	enter = key.Code(28)
	esc   = key.Code(1)
)

func TestDecode(t *testing.T) {
	const at = 3*time.Second + 7*time.Microsecond
	type events = []Event
	for name, tt := range map[string]struct {
		raw  [][]byte
		down []key.Code // what is down when the kernel is asked
		want events
	}{
		"down and up": {
			[][]byte{raw(at, 1, 28, 1), raw(at, 0, 0, 0), raw(at+time.Second, 1, 28, 0), raw(at+time.Second, 0, 0, 0)}, nil,
			events{{Code: enter, Down: true, At: at}, {Code: enter, At: at + time.Second}},
		},
		"auto-repeat":  {[][]byte{raw(at, 1, 28, 2), raw(at, 0, 0, 1)}, nil, nil},
		"another key":  {[][]byte{raw(at, 1, 30, 1), raw(at, 0, 0, 0)}, nil, nil},
		"another type": {[][]byte{raw(at, 2, 28, 1), raw(at, 4, 28, 1), raw(at, 0, 0, 0)}, nil, nil},
		"the queue ran over": {
			[][]byte{raw(at, 0, 3, 0), raw(at, 1, 28, 0), raw(at, 1, 1, 1), raw(at, 0, 0, 0), raw(at, 1, 1, 0), raw(at, 0, 0, 0)},
			[]key.Code{enter},
			events{{Code: enter, Down: true, At: at, Lost: true}, {Code: esc, At: at, Lost: true}, {Code: esc, At: at}},
		},
		"the queue ran over, no report yet": {[][]byte{raw(at, 0, 3, 0), raw(at, 1, 28, 1)}, []key.Code{enter}, nil},
		"half an event":                     {[][]byte{raw(at, 1, 28, 1)[:eventSize-1]}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := decoder{codes: []key.Code{enter, esc}, down: func() (keys Keys, _ error) {
				for _, c := range tt.down {
					keys.Add(c)
				}
				return keys, nil
			}}
			var got events
			for _, p := range tt.raw { // a report may come with a later read
				e, err := d.decode(p)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, e...)
			}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("events = %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestDecodeGone(t *testing.T) {
	d := decoder{codes: []key.Code{enter}, down: func() (Keys, error) { return Keys{}, unix.ENODEV }}
	events, err := d.decode(append(append(raw(0, 1, 28, 1), raw(0, 0, 3, 0)...), raw(0, 0, 0, 0)...))
	if len(events) != 1 || !errors.Is(err, unix.ENODEV) {
		t.Errorf("events = %+v, error = %v; want the one before the gap, and %v", events, err, unix.ENODEV)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(append(raw(0, 0, 3, 0), raw(0, 0, 0, 0)...))
	f.Fuzz(func(t *testing.T, p []byte) {
		d := decoder{codes: []key.Code{enter}, down: func() (Keys, error) { return Keys{}, nil }}
		events, err := d.decode(p)
		if err != nil || len(events) > len(p)/eventSize {
			t.Fatalf("%d events from %d bytes, %v", len(events), len(p), err)
		}
		for _, e := range events {
			if e.Code != enter {
				t.Fatalf("an event of %v", e.Code)
			}
		}
	})
}

func TestKeys(t *testing.T) {
	var k Keys
	for _, c := range []key.Code{1, 7, 8, 0x110, key.Max} {
		if k.Has(c) {
			t.Errorf("%d is in the empty set", c)
		}
		k.Add(c)
		if !k.Has(c) {
			t.Errorf("%d was not added", c)
		}
	}
	if k.Has(2) || k.Has(key.Max+1) || k[1] != 1 {
		t.Errorf("set = %x", k)
	}
}

// TestLayout compares with what a C program prints for linux/input.h (Linux 6.1):
// sizes of struct input_event and input_mask, and the numbers of the ioctls.
func TestLayout(t *testing.T) {
	if want := map[int]int{8: 24, 4: 16}[wordSize]; eventSize != want {
		t.Errorf("struct input_event has %d bytes, want %d", eventSize, want)
	}
	for _, arch := range []string{"amd64", "arm64", "arm"} {
		fields := []*types.Var{
			types.NewField(0, nil, "Type", types.Typ[types.Uint32], false),
			types.NewField(0, nil, "CodesSize", types.Typ[types.Uint32], false),
			types.NewField(0, nil, "CodesPtr", types.Typ[types.Uint64], false),
		}
		sizes := types.SizesFor("gc", arch)
		if got := sizes.Offsetsof(fields)[2]; got != 8 || sizes.Sizeof(types.NewStruct(fields, nil)) != 16 {
			t.Errorf("%s: codes_ptr is at %d, want 8 of 16", arch, got)
		}
	}
	for name, tt := range map[string][2]uintptr{
		"EVIOCGNAME(256)": {getName, 0x81004506}, "EVIOCGKEY(96)": {getDown, 0x80604518}, "EVIOCGBIT(EV_KEY,96)": {getKeys, 0x80604521},
		"EVIOCGRAB": {grab, 0x40044590}, "EVIOCSMASK": {setMask, 0x40104593}, "EVIOCSCLOCKID": {setClock, 0x400445a0},
	} {
		if tt[0] != tt[1] {
			t.Errorf("%s = %#x, want %#x", name, tt[0], tt[1])
		}
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	dev, sys := filepath.Join(dir, "dev"), filepath.Join(dir, "sys")
	for _, d := range []string{"dev/by-id", "dev/by-path", "sys/event4/device"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"event0", "event2", "event3", "event4", "event10", "mice", "eventful"} {
		if err := os.WriteFile(filepath.Join(dev, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"by-id/usb-Bell-event-kbd": "../event10", "by-path/pci-usb-0:1-event-kbd": "../event10", "by-path/platform-keys-event": "../event2", "bell": "event10",
	} {
		if err := os.Symlink(to, filepath.Join(dev, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(sys, "event4/device/name"), []byte("Locked Keys\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var keys Keys
	keys.Add(enter)
	locked := &fs.PathError{Op: "open", Path: "x", Err: unix.EACCES}
	p := places{dev, sys, func(path string) (string, Keys, error) {
		switch filepath.Base(path) {
		case "event0":
			return "Lid Switch", Keys{}, nil
		case "event2":
			return "gpio-keys", keys, nil
		case "event3":
			return "", Keys{}, &fs.PathError{Op: "open", Path: path, Err: unix.ENODEV}
		case "event4":
			return "", Keys{}, locked
		}
		return "", keys, nil
	}}
	got, err := p.list()
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 || !errors.Is(got[1].Err, fs.ErrPermission) || !strings.Contains(got[1].Err.Error(), "group input") {
		t.Fatalf("devices = %+v", got)
	}
	got[1].Err = nil
	want := []Device{
		{Path: filepath.Join(dev, "event2"), Names: []string{"platform-keys-event", "gpio-keys"}, Keys: keys},
		{Path: filepath.Join(dev, "event4"), Names: []string{"Locked Keys"}},
		{Path: filepath.Join(dev, "event10"), Names: []string{"usb-Bell-event-kbd", "pci-usb-0:1-event-kbd", "bell"}, Keys: keys},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("devices =\n%+v, want\n%+v", got, want)
	}
	p.dev = filepath.Join(dir, "none")
	if got, err := p.list(); len(got) != 0 || err != nil {
		t.Errorf("without input devices: %v, %v", got, err)
	}
}
