package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"callbox/daemon/control"
)

// TestDoctorOfThePort: a daemon that does not run, and a port that another has.
func TestDoctorOfThePort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	free.Close()
	for name, tt := range map[string]struct {
		direct string
		want   string // "" for nothing
	}{
		"taken":      {fmt.Sprintf(`{listen: "%s"}`, taken.Addr()), fmt.Sprintf("another program has the port %d: the daemon cannot start", taken.Addr().(*net.TCPAddr).Port)},
		"free":       {fmt.Sprintf(`{listen: "%s"}`, free.Addr()), ""},
		"not wanted": {fmt.Sprintf(`{enabled: false, listen: "%s"}`, taken.Addr()), ""},
		"privileged": {`{listen: "127.0.0.1:1"}`, "ports below 1024 are not for everybody, and the daemon's is 1"},
		"of another": {`{listen: "192.0.2.1:8443"}`, "the daemon could not listen on 192.0.2.1:8443"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "c.yaml")
			if err := os.WriteFile(file, []byte("signaling: {relay: {enabled: true}, direct: "+tt.direct+"}"), 0o600); err != nil {
				t.Fatal(err)
			}
			code, out, errs := ctl(t, "", "--socket", filepath.Join(t.TempDir(), "none"), "doctor", "--config", file)
			if code != exitUnwell || !strings.Contains(out, "callboxd does not run") {
				t.Errorf("%d %s %s", code, out, errs)
			}
			if tt.want == "" && strings.Contains(out, "port  ") || !strings.Contains(out, tt.want) {
				t.Errorf("it says\n%s\nwant %q", out, tt.want)
			}
		})
	}
}

// TestDoctorOfTheDevices: where no daemon runs, the daemon's program says which devices
// it would choose.
func TestDoctorOfTheDevices(t *testing.T) {
	const good = "testdata/good.yaml"
	for name, tt := range map[string]struct {
		program string // "": there is none
		want    []string
	}{
		"chosen": {
			`[ "$*" = "devices --config ` + good + `" ] && echo '[{"name": "camera", "state": "ok", "message": "usb-Cam"}, {"name": "speaker", "state": "problem", "message": "it is not there", "remedy": "plug it in"}]'`,
			[]string{"ok       camera         usb-Cam would be chosen\n", "problem  speaker        it is not there\n", "→ plug it in\n"},
		},
		"fails":      {`echo "no way in" >&2; exit 1`, []string{"warning  devices", "exit status 1: no way in"}},
		"no JSON":    {`echo yes`, []string{"warning  devices", "invalid character"}},
		"no program": {"", []string{"warning  devices", "cannot find callboxd", "→ install the package callbox"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("PATH", dir)
			if tt.program != "" {
				if err := os.WriteFile(filepath.Join(dir, "callboxd"), []byte("#!/bin/sh\n"+tt.program+"\n"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			code, out, errs := ctl(t, "", "--socket", filepath.Join(dir, "none"), "doctor", "--config", good)
			if code != exitUnwell {
				t.Errorf("%d %s", code, errs)
			}
			for _, want := range tt.want {
				if !strings.Contains(out, want) {
					t.Errorf("it says\n%s\nand not %q", out, want)
				}
			}
		})
	}
}

// TestDoctorInANarrowTerminal: lines break between words, under the column that they are of.
func TestDoctorInANarrowTerminal(t *testing.T) {
	findings := []control.Finding{
		{Name: "camera", State: control.StateProblem, Message: `camera "usb-046d_C920-video-index0" is not there`, Remedy: "plug it in: it is taken when it comes; or correct hal.camera.name"},
		{Name: "clock", State: control.StateOK, Message: "synchronised"},
	}
	for width, want := range map[int]string{
		60: `problem  camera  camera "usb-046d_C920-video-index0" is not
                 there
                 → plug it in: it is taken when it comes; or
                   correct hal.camera.name
ok       clock   synchronised
`,
		0: `problem  camera  camera "usb-046d_C920-video-index0" is not there
                 → plug it in: it is taken when it comes; or correct hal.camera.name
ok       clock   synchronised
`,
		30: `problem  camera  camera "usb-046d_C920-video-index0" is not there
                 → plug it in: it is taken when it comes; or correct hal.camera.name
ok       clock   synchronised
`, // no room for words
		40: `problem  camera  camera
                 "usb-046d_C920-video-index0"
                 is not there
                 → plug it in: it is
                   taken when it comes;
                   or correct
                   hal.camera.name
ok       clock   synchronised
`,
	} {
		var out strings.Builder
		printFindings(&out, findings, width)
		if got := dye(out.String(), false); !strings.HasPrefix(got, want) {
			t.Errorf("%d columns:\n%s\nwant\n%s", width, got, want)
		}
	}
}
