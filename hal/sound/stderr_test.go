package sound

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// redirect sends the file descriptor 2, which C libraries write to, into file,
// until the function that it returns is called.
func redirect(t *testing.T, file *os.File) (restore func()) {
	t.Helper()
	saved, err := unix.Dup(2)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Dup3(int(file.Fd()), 2, 0); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Dup3(saved, 2, 0); err != nil {
			t.Fatal(err)
		}
		_ = unix.Close(saved)
	}
}
