package main

import (
	"os"
	"path/filepath"
	"testing"

	"callbox/daemon/config"
)

// TestPlace: callboxctl runs in another directory.
func TestPlace(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"": config.DefaultFile, "/etc/door.yaml": "/etc/door.yaml", "door.yaml": filepath.Join(here, "door.yaml"), "../x/./y.yaml": filepath.Join(here, "../x/y.yaml"),
	} {
		if got := place(file); got != want {
			t.Errorf("place(%q) = %q, want %q", file, got, want)
		}
	}
}
