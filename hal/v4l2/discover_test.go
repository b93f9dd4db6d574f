package v4l2

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"
)

func TestList(t *testing.T) {
	dev := t.TempDir()
	for _, name := range []string{"video0", "video1", "video2", "video10", "video3", "video4", "video5", "videosomething", "null"} {
		if err := os.WriteFile(filepath.Join(dev, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, target := range map[string]string{
		"v4l/by-id/usb-Maker_Cam_123-video-index0":               "../../video0",
		"v4l/by-id/usb-Maker_Cam_123-video-index1":               "../../video1",
		"v4l/by-id/usb-dangling-video-index0":                    "../../video99",
		"v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0":  "../../video0",
		"v4l/by-path/platform-fe801000.csi-video-index0":         "../../video2",
		"v4l/by-path/z-platform-fe801000.csi-again-video-index0": "../../video2",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dev, link)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dev, link)); err != nil {
			t.Fatal(err)
		}
	}
	answers := map[string]struct {
		id  identity
		err error
	}{
		"video0":  {identity{"Maker Cam: Maker Cam", "usb-1"}, nil},
		"video1":  {identity{}, errNoCamera}, // the same camera's metadata
		"video2":  {identity{"unicam", "platform:fe801000.csi"}, nil},
		"video3":  {identity{"vivid", "platform:vivid-000"}, nil},
		"video4":  {identity{}, unix.EACCES},
		"video5":  {identity{}, unix.EPERM},
		"video10": {identity{"vivid", "platform:vivid-000"}, nil},
	}
	got, err := list(dev, func(path string) (identity, error) {
		a := answers[filepath.Base(path)]
		return a.id, a.err
	})
	want := []Device{
		{"usb-Maker_Cam_123-video-index0", []string{"pci-0000:00:14.0-usb-0:1:1.0-video-index0"}, "", "Maker Cam: Maker Cam", filepath.Join(dev, "video0")},
		{"platform-fe801000.csi-video-index0", []string{"z-platform-fe801000.csi-again-video-index0"}, "", "unicam", filepath.Join(dev, "video2")},
		{"vivid-platform:vivid-000", nil, "", "vivid", filepath.Join(dev, "video3")},
		{"vivid-platform:vivid-000-2", nil, "", "vivid", filepath.Join(dev, "video10")},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("list = %v, want %v", got, want)
	}
	problems := fmt.Sprintf("cannot ask %[1]s/video4: permission denied; add the daemon's user to the group video\n"+
		"cannot ask %[1]s/video5: operation not permitted; add DeviceAllow=char-81 rw to the unit", dev)
	if !errors.Is(err, fs.ErrPermission) || err.Error() != problems {
		t.Errorf("error = %v, want %v", err, problems)
	}
}

// TestEqualCameras: of two cameras that claim one link by id, each is told apart by its
// socket.
func TestEqualCameras(t *testing.T) {
	const id = "by-id/usb-Maker_Cam-video-index0"
	for name, tt := range map[string]struct {
		links  map[string]string
		cards  [2]string
		buses  [2]string
		stable string // name of the first
	}{
		"equal": {
			map[string]string{id: "video0", "by-path/a": "video0", "by-path/b": "video1"},
			[2]string{"Cam", "Cam"}, [2]string{"usb-1", "usb-2"}, "a",
		},
		"equal, with serial numbers": {
			map[string]string{id: "video0", "by-id/usb-Maker_Cam_2-video-index0": "video1", "by-path/a": "video0", "by-path/b": "video1"},
			[2]string{"Cam", "Cam"}, [2]string{"usb-1", "usb-2"}, "",
		},
		"two nodes of one": {
			map[string]string{id: "video0", "by-path/a": "video0", "by-path/b": "video1"},
			[2]string{"Cam", "Cam"}, [2]string{"usb-1", "usb-1"}, "",
		},
		"different": {
			map[string]string{id: "video0", "by-path/a": "video0", "by-path/b": "video1"},
			[2]string{"Cam", "unicam"}, [2]string{"usb-1", "platform:csi"}, "",
		},
		"by their sockets": {
			map[string]string{"by-path/a": "video0", "by-path/b": "video1"},
			[2]string{"Cam", "Cam"}, [2]string{"usb-1", "usb-2"}, "",
		},
	} {
		dev := t.TempDir()
		for i := range 2 {
			if err := os.WriteFile(filepath.Join(dev, fmt.Sprintf("video%d", i)), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for link, node := range tt.links {
			path := filepath.Join(dev, "v4l", link)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("../../"+node, path); err != nil {
				t.Fatal(err)
			}
		}
		found, err := list(dev, func(path string) (identity, error) {
			i := int(path[len(path)-1] - '0')
			return identity{tt.cards[i], tt.buses[i]}, nil
		})
		if err != nil || len(found) != 2 {
			t.Fatalf("%s: list = %+v, %v", name, found, err)
		}
		if found[0].Stable != tt.stable || found[1].Stable != "" {
			t.Errorf("%s: %+v", name, found)
		}
		for i, path := range []string{"a", "b"} {
			if !found[i].Named(path) || !found[i].Named(found[i].Name) || found[1-i].Named(path) {
				t.Errorf("%s: camera %d is %+v", name, i, found[i])
			}
		}
	}
}

func TestListUnplugged(t *testing.T) {
	dev := t.TempDir()
	if err := os.WriteFile(filepath.Join(dev, "video0"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []error{unix.ENODEV, unix.ENXIO, unix.ENOENT} {
		got, err := list(dev, func(string) (identity, error) { return identity{}, gone })
		if len(got) != 0 || err != nil {
			t.Errorf("%v: list = %v, %v", gone, got, err)
		}
	}
}

// A file that is no V4L2 node must not be taken for one.
func TestProbeRefusesOtherNodes(t *testing.T) {
	for _, path := range []string{"/dev/null", "/dev/does-not-exist"} {
		if id, err := probe(path); err == nil {
			t.Errorf("probe(%s) = %v", path, id)
		}
	}
}

func TestMadeName(t *testing.T) {
	for in, want := range map[identity]string{
		{"HD Pro: Webcam", "usb-0000:00:14.0-1"}: "HD_Pro:_Webcam-usb-0000:00:14.0-1",
		{"Käse\n", ""}:                           "K_se_",
		{"", "bus"}:                              "bus",
	} {
		if got := madeName(in); got != want {
			t.Errorf("madeName(%q) = %q, want %q", in, got, want)
		}
	}
}
