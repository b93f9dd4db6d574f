package hal

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
)

func TestRefused(t *testing.T) {
	for err, want := range map[error]string{
		syscall.EACCES: "node: permission denied; add the daemon's user to the group video",
		syscall.EPERM:  "node: operation not permitted; add DeviceAllow=char-81 rw to the unit",
		syscall.EBUSY:  "node: device or resource busy",
	} {
		got := Refused(&fs.PathError{Op: "open", Path: "node", Err: err}, "video", "char-81 rw")
		if !errors.Is(got, err) || got.Error() != "open "+want {
			t.Errorf("%q, want %q", got, "open "+want)
		}
		if again := Refused(fmt.Errorf("x: %w", err), "video", "char-81 rw"); !errors.Is(again, err) {
			t.Errorf("%v is not %v", again, err)
		}
	}
	if err := Refused(nil, "video", "char-81 rw"); err != nil {
		t.Error(err)
	}
}
