package daemon

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTheHouseIsOnItsMap wants each program, each part of the daemon and each
// top-level folder in docs/house.md.
func TestTheHouseIsOnItsMap(t *testing.T) {
	text, err := os.ReadFile("../docs/house.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "|") {
			rows += line
		}
	}
	folders := []string{"media", "signaling", "hal", "systemd", "packaging"}
	for _, parent := range []string{"cmd", "daemon"} {
		entries, err := os.ReadDir(filepath.Join("..", parent))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.IsDir() && e.Name() != "testdata" {
				folders = append(folders, parent+"/"+e.Name())
			}
		}
	}
	if len(folders) < 10 {
		t.Fatalf("only %v were found", folders)
	}
	for _, f := range folders {
		if !strings.Contains(rows, "`"+f+"`") {
			t.Errorf("docs/house.md does not name %s: give it a row", f)
		}
	}
}
