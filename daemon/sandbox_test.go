package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"callbox/daemon/control"
)

// TestWritable: what the unit's sandbox forbids is told as that.
func TestWritable(t *testing.T) {
	for err, unit := range map[error]bool{syscall.EROFS: true, syscall.EACCES: true, syscall.EPERM: true, syscall.ENOSPC: false, errors.New("damaged"): false} {
		given := fmt.Errorf("cannot make it: %w", &fs.PathError{Op: "mkdir", Path: "/data", Err: err})
		if got := writable(given); strings.Contains(got.Error(), "ReadWritePaths=: "+control.Guide("operations.md")) != unit || !errors.Is(got, err) {
			t.Errorf("of %v it makes %v", given, got)
		}
	}
	if writable(nil) != nil {
		t.Error("of no error it makes one")
	}
}
