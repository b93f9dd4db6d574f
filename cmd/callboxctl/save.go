package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// save writes data to a file that only its owner may read, or to the standard
// output for "-".
func (a *app) save(file string, data []byte) error {
	if file == "-" {
		_, err := a.out.Write(data)
		return err
	}
	if err := writePrivate(file, data); err != nil {
		return fmt.Errorf("cannot write %s: %w", file, err)
	}
	return a.show(map[string]any{"file": file, "bytes": len(data)}, func(w io.Writer) {
		fmt.Fprintf(w, "%s, %d bytes\n", file, len(data))
	})
}

// writePrivate puts a new file in the place of one that is there: its mode, its
// owner and whoever has it open do not count. What is no file, like a pipe, is
// written to.
func writePrivate(file string, data []byte) error {
	info, err := os.Stat(file)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return os.WriteFile(file, data, 0o600)
	case err == nil:
		if file, err = filepath.EvalSymlinks(file); err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".callbox-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
