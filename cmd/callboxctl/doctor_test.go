package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
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
