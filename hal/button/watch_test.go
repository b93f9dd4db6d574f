package button

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestDirWatcher uses real directories and the real inotify.
func TestDirWatcher(t *testing.T) {
	dir := t.TempDir()
	input, byID := filepath.Join(dir, "input"), filepath.Join(dir, "input/by-id")
	w, err := newDirWatcher([]string{dir, input, byID})
	if err != nil {
		t.Fatal(err)
	}
	news := make(chan error)
	go func() {
		for {
			err := w.wait()
			news <- err
			if err != nil {
				return
			}
		}
	}()
	wait := func(what string) {
		t.Helper()
		select {
		case err := <-news:
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s was not noticed", what)
		}
	}
	node, link := filepath.Join(input, "event0"), filepath.Join(byID, "usb-Bell")
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"the first device", func() error { return os.Mkdir(input, 0o755) }},
		{"a node", func() error { return os.WriteFile(node, nil, 0o600) }},
		{"its mode", func() error { return os.Chmod(node, 0o660) }},
		{"the directory of links", func() error { return os.Mkdir(byID, 0o755) }},
		{"a link", func() error { return os.Symlink("../event0", link+".tmp") }},
		{"a renamed link", func() error { return os.Rename(link+".tmp", link) }},
		{"a node that went", func() error { return os.Remove(node) }},
	} {
		if err := w.refresh(); err != nil {
			t.Fatal(err)
		}
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		wait(step.what)
	}
	if err := w.close(); err != nil {
		t.Error(err)
	}
	err = <-news
	for err == nil { // what one step did may have been told in two parts
		err = <-news
	}
	if !errors.Is(err, io.EOF) {
		t.Errorf("wait after close = %v, want %v", err, io.EOF)
	}
}
