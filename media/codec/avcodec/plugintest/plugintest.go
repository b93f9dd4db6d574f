// Package plugintest builds callbox-avcodec.so for tests, so that none of them runs with
// an old one.
package plugintest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Software is the encoder of libavcodec that tests use in the place of hardware. It takes
// the same way through the plugin.
const Software = "libx264"

// Plugins are the shared objects of a test.
type Plugins struct {
	Sound string // the real one
	// Faulty has encoders with the faults of drivers; their names stand in
	// testdata/faulty.c.
	Faulty string
	dir    string
}

// Build compiles them into a directory of their own, by CC and with PKG_CONFIG where they
// are set.
func Build() (*Plugins, error) {
	here, err := source()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "callbox-avcodec-")
	if err != nil {
		return nil, err
	}
	p := &Plugins{Sound: filepath.Join(dir, "sound.so"), Faulty: filepath.Join(dir, "faulty.so"), dir: dir}
	for out, source := range map[string]string{
		p.Sound: filepath.Join(here, "../plugin/callbox-avcodec.c"), p.Faulty: filepath.Join(here, "testdata/faulty.c"),
	} {
		cmd := exec.CommandContext(context.Background(), filepath.Join(here, "../plugin/build"), out, source) //nolint:gosec // our own script
		cmd.Env = append(os.Environ(), "CFLAGS=-O2 -g "+flags)
		if said, err := cmd.CombinedOutput(); err != nil {
			p.Remove()
			return nil, fmt.Errorf("cannot build the plugin: %w: %s", err, said)
		}
	}
	return p, nil
}

// source is the directory of this package, below that of go.mod: tests run in the
// directory of theirs.
func source() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "media/codec/avcodec/plugintest"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("cannot find the source of the plugin: this is not the directory of a test")
		}
		dir = filepath.Dir(dir)
	}
}

// Remove removes them; what is open stays usable.
func (p *Plugins) Remove() { _ = os.RemoveAll(p.dir) }

// Main is a testing.M whose tests have the plugins, which Use gets before they begin.
type Main struct {
	M   interface{ Run() int }
	Use func(*Plugins) error
}

// Run implements goleak.TestingM.
func (m Main) Run() int {
	p, err := Build()
	if err == nil {
		defer p.Remove()
		err = m.Use(p)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.M.Run()
}
