package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"callbox/daemon/control"
)

// writable adds to an error about a place that may not be written what the unit has to do
// with it: under ProtectSystem=strict and ProtectHome= a place is read-only (EROFS) or shut
// (EACCES) whatever its mode is. Another error stays as it is.
func writable(err error) error {
	if errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%w; under systemd the unit must open that place, too, with ReadWritePaths=: %s, State on another file system", err, control.Guide("operations.md"))
	}
	return err
}
