package openh264

/*
#cgo CFLAGS: -O2 -DNDEBUG
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "library.h"
*/
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

// ErrMissing means that the library is not there, or not in the version that is
// needed.
var ErrMissing = errors.New("OpenH264 is not installed")

// Available opens the library when that was not done yet. It tells whether there are
// encoders and decoders, always the same; errors wrap ErrMissing.
func Available() error { return open() }

var open = sync.OnceValue(func() error { return load(soname()) })

func soname() string { return C.CALLBOX_OPENH264 }

func load(soname string) error {
	name := C.CString(soname)
	defer C.free(unsafe.Pointer(name))
	text := make([]byte, 256)
	if C.callbox_openh264_open(name, (*C.char)(unsafe.Pointer(&text[0])), C.int(len(text))) == 0 {
		return nil
	}
	why, _, _ := bytes.Cut(text, []byte{0})
	return fmt.Errorf("%w: %s", ErrMissing, why)
}
