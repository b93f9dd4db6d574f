package hal

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Refused adds to an error about permissions what to do: the kernel says EACCES for the
// mode of the node, which the group may open, and EPERM for the device filter of the unit,
// which is to contain allow (systemd.resource-control(5), DeviceAllow=). Another error
// stays as it is.
func Refused(err error, group, allow string) error {
	switch {
	case errors.Is(err, syscall.EPERM):
		return fmt.Errorf("%w; add DeviceAllow=%s to the unit", err, allow)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w; add the daemon's user to the group %s", err, group)
	}
	return err
}
