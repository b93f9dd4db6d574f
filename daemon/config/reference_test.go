package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"callbox/daemon/config/reference"
)

var update = flag.Bool("update", false, "rewrite the files in docs that are made from the configuration")

// TestDocs holds what docs has of the configuration to the code. A field without a
// comment fails.
func TestDocs(t *testing.T) {
	r, err := reference.Read("../..")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"configuration.md":    r.Markdown(),
		"callbox.yaml":        r.Example(),
		"callbox.schema.json": r.Schema(),
	} {
		file := filepath.Join("../../docs", name)
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is out of date (%v): run go test ./daemon/config -update", file, err)
		}
	}
}
