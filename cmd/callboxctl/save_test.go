package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestSaveOverAFile: only the owner may read what is written, whatever was there.
func TestSaveOverAFile(t *testing.T) {
	dir := t.TempDir()
	there, link, dangling := filepath.Join(dir, "there"), filepath.Join(dir, "link"), filepath.Join(dir, "dangling")
	if err := os.WriteFile(there, []byte("old and longer than what comes"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(there, 0o666); err != nil { // whatever the umask is
		t.Fatal(err)
	}
	reader, err := os.Open(there)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for from, to := range map[string]string{link: "there", dangling: "nowhere"} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	a := &app{out: &out}
	for file, lands := range map[string]string{there: there, link: there, dangling: dangling, filepath.Join(dir, "new"): filepath.Join(dir, "new")} {
		if err := a.save(file, []byte("secret")); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(lands)
		if err != nil || string(raw) != "secret" {
			t.Errorf("%s holds %q, %v", lands, raw, err)
		}
		if info, err := os.Lstat(lands); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has the mode %v, %v", lands, info.Mode(), err)
		}
	}
	if raw, err := io.ReadAll(reader); err != nil || bytes.Contains(raw, []byte("secret")) {
		t.Errorf("who had the old file open reads %q, %v", raw, err)
	}
	if to, err := os.Readlink(link); err != nil || to != "there" {
		t.Errorf("the link leads to %q, %v", to, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".callbox-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v, %v", left, err)
	}
}

// TestSaveIntoAPipe: what is no file is written to, and stays.
func TestSaveIntoAPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		raw, err := os.ReadFile(pipe)
		if err != nil {
			raw = []byte(err.Error())
		}
		got <- string(raw)
	}()
	a := &app{out: io.Discard}
	if err := a.save(pipe, []byte("picture")); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "picture" {
		t.Errorf("the reader got %q", text)
	}
	if err := a.save(filepath.Join(t.TempDir(), "none", "x"), nil); err == nil {
		t.Error("a directory that is not there was written to")
	}
	if err := a.save(t.TempDir(), nil); err == nil {
		t.Error("a directory was written to")
	}
}
