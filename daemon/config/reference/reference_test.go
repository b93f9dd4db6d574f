package reference

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"callbox/daemon/config"
)

func read(t *testing.T) *Reference {
	t.Helper()
	r, err := Read("../../..")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// load loads text as the daemon does.
func load(t *testing.T, text string) (*config.Config, error) {
	t.Helper()
	for _, entry := range os.Environ() { // what the machine of the test has set does not count
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "CALLBOX_") || name == "STATE_DIRECTORY" {
			t.Setenv(name, "")
		}
	}
	file := filepath.Join(t.TempDir(), "callbox.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Load(file)
}

// TestExampleIsTheDefault: what is in force in the example is what an empty file gives.
func TestExampleIsTheDefault(t *testing.T) {
	got, err := load(t, read(t).Example())
	if err != nil {
		t.Fatal(err)
	}
	if want := config.Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("the example differs in %v", config.Diff(want, got))
	}
}

// commented is a key in the example that is not in force.
var commented = regexp.MustCompile(`(?m)^( *)#((?:  )*(?:- )?[a-z_]+:)`)

// TestExampleIsWhole: no key is missing, and with every key in force all of them have
// the right form. (Such a file is refused: some keys exclude each other.)
func TestExampleIsWhole(t *testing.T) {
	r := read(t)
	text := commented.ReplaceAllString(r.Example(), "$1$2")
	if !fits(parsed(t, r), yamlOf(t, text)) {
		t.Error("with all keys in force the schema does not take it")
	}
	walk(r.Keys, func(k config.Key) {
		if !regexp.MustCompile(`(?m)^ *(- )?` + k.Name + `:`).MatchString(text) {
			t.Errorf("%s is not in the example", k.Path)
		}
	})
	if left := regexp.MustCompile(`(?m)^ *#[^ \n].*$`).FindString(text); left != "" {
		t.Errorf("a line still is commented out: %q", left)
	}
}

// TestManual: every key has its place in the page, and its example can be loaded.
func TestManual(t *testing.T) {
	r := read(t)
	page := r.Manual("2026-01-02", "1.2.3")
	walk(r.Keys, func(k config.Key) {
		if k.Kind != "section" && !strings.Contains(page, ".B \""+k.Path+"\"\n") && !strings.Contains(page, "."+k.Name+"\"\n") {
			t.Errorf("%s is not in the page", k.Path)
		}
	})
	if _, err := load(t, manualExample); err != nil {
		t.Errorf("the page's example: %v", err)
	}
}
