package drm

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/drm/internal/uapi"
)

func TestList(t *testing.T) {
	sys := t.TempDir()
	for name, files := range map[string][2]string{
		"card0":             {},
		"renderD128":        {},
		"card10-HDMI-A-1":   {"connected\n", "800x480\n"},
		"card0-HDMI-A-2":    {"disconnected\n", ""},
		"card0-HDMI-A-1":    {"connected\n", "1920x1080\n1280x720\n"},
		"card2-DSI-1":       {"unknown\n", "720x1280\n"},
		"card0-Writeback-1": {"unknown\n", ""},
		"cardx-HDMI-A-1":    {"connected\n", ""},
	} {
		dir := filepath.Join(sys, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if files[0] != "" {
			for i, file := range []string{"status", "modes"} {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(files[i]), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	found, err := list(sys, "/dev/dri")
	want := []Device{
		{"HDMI-A-1", "HDMI-A-1", "/dev/dri/card0", true, "1920x1080"},
		{"HDMI-A-2", "HDMI-A-2", "/dev/dri/card0", false, ""},
		{"DSI-1", "DSI-1", "/dev/dri/card2", false, "720x1280"},
		{"card10-HDMI-A-1", "HDMI-A-1", "/dev/dri/card10", true, "800x480"},
	}
	if err != nil || len(found) != len(want) {
		t.Fatalf("list = %+v, %v", found, err)
	}
	for i := range want {
		if found[i] != want[i] {
			t.Errorf("device %d: %+v, want %+v", i, found[i], want[i])
		}
	}
	if found, err := list(filepath.Join(sys, "none"), "/dev/dri"); err != nil || found != nil {
		t.Errorf("without the class: %v, %v", found, err)
	}

	for name, tt := range map[string]struct {
		found []Device
		want  string // the card
		err   error
	}{
		"HDMI-A-1":        {want, "/dev/dri/card0", nil},
		"card0-HDMI-A-1":  {want, "/dev/dri/card0", nil},
		"card10-HDMI-A-1": {want, "/dev/dri/card10", nil},
		"DSI-1":           {want, "/dev/dri/card2", nil},
		"auto":            {want[1:], "/dev/dri/card10", nil},
		"HDMI-A-3":        {want, "", hal.ErrNotFound},
		"DP-1":            {nil, "", hal.ErrNotFound},
	} {
		d, err := pick(tt.found, name)
		if d.Card != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("pick %s = %+v, %v", name, d, err)
		}
	}
	if _, err := pick(want[1:3], "auto"); !errors.Is(err, hal.ErrGone) || !strings.Contains(err.Error(), "HDMI-A-2 or DSI-1") {
		t.Errorf("auto without a screen: %v", err)
	}
	if _, err := pick(want, "HDMI-A-3"); err == nil || !strings.Contains(err.Error(), "hal.display.name to one of: HDMI-A-1, HDMI-A-2") {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestChoose(t *testing.T) {
	preferred, interlaced := uint32(uapi.ModeTypePreferred), uint32(uapi.ModeFlagInterlace)
	mode := func(w, h uint16, kind, flags uint32) uapi.Mode {
		return uapi.Mode{Width: w, Height: h, Type: kind, Flags: flags}
	}
	for name, tt := range map[string]struct {
		modes []uapi.Mode
		want  [2]uint16
	}{
		"the preferred":               {[]uapi.Mode{mode(1920, 1080, 0, 0), mode(1280, 800, preferred, 0)}, [2]uint16{1280, 800}},
		"none is preferred":           {[]uapi.Mode{mode(1024, 768, 0, 0), mode(640, 480, 0, 0)}, [2]uint16{1024, 768}},
		"4K, and smaller":             {[]uapi.Mode{mode(3840, 2160, preferred, 0), mode(1280, 720, 0, 0), mode(1920, 1080, 0, interlaced), mode(1920, 1080, 0, 0), mode(1600, 1200, 0, 0)}, [2]uint16{1920, 1080}},
		"4K only":                     {[]uapi.Mode{mode(3840, 2160, preferred, 0), mode(1024, 768, 0, 0)}, [2]uint16{3840, 2160}},
		"interlaced, and another way": {[]uapi.Mode{mode(1920, 1080, preferred, interlaced), mode(1280, 720, 0, 0)}, [2]uint16{1280, 720}},
		"interlaced only":             {[]uapi.Mode{mode(720, 576, preferred, interlaced)}, [2]uint16{720, 576}},
	} {
		if got := choose(tt.modes); [2]uint16{got.Width, got.Height} != tt.want {
			t.Errorf("%s: %dx%d, want %v", name, got.Width, got.Height, tt.want)
		}
	}
}

func TestFindCRTC(t *testing.T) {
	for name, tt := range map[string]struct {
		now         uint32
		able, crtcs []uint32
		want        uint32
	}{
		"what drives it now":      {41, []uint32{41}, []uint32{21, 22}, 21},
		"a free one":              {0, []uint32{42}, []uint32{21, 22}, 22},
		"one that another has":    {0, []uint32{42}, []uint32{21}, 21},
		"an encoder without CRTC": {42, []uint32{42}, []uint32{21, 22}, 22},
		"nothing can":             {0, []uint32{43}, []uint32{21, 22}, 0},
	} {
		got, err := findCRTC(newFakeCard(t), tt.now, tt.able, tt.crtcs, []uint32{41, 42})
		if got != tt.want || (err != nil) != (tt.want == 0) {
			t.Errorf("%s: CRTC %d, %v, want %d", name, got, err, tt.want)
		}
	}
}

// TestOpenNode: what may not be opened, and why.
func TestOpenNode(t *testing.T) {
	dir := t.TempDir()
	if _, err := openNode(filepath.Join(dir, "none")); !errors.Is(err, hal.ErrGone) {
		t.Errorf("a card that is gone: %v", err)
	}
	file := filepath.Join(dir, "card0")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := openNode(file)
	if err != nil {
		t.Fatal(err)
	}
	defer n.close()
	var none uint32
	if err := call(n, uapi.SetMaster, &none); !errors.Is(err, unix.ENOTTY) {
		t.Errorf("an ioctl on a file: %v", err)
	}
	for err, want := range map[error]string{unix.EACCES: "group video", unix.EPERM: "char-226", unix.EMFILE: "too many open files"} {
		if got := unopened(file, err); !errors.Is(got, err) || !strings.Contains(got.Error(), want) || errors.Is(got, hal.ErrBusy) {
			t.Errorf("%v: %v", err, got)
		}
	}
}
