package avcodec

/*
#cgo CFLAGS: -O2
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "load.h"
*/
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"
)

// ErrMissing means that the plugin is not installed.
var ErrMissing = errors.New("callbox-avcodec.so is not there; install the package callbox-hwenc")

// Library is the plugin. It stays open as long as the program runs; its encoders may be
// made from any goroutine.
type Library struct {
	c *C.callbox_avcodec_plugin
}

// triplets are Debian's names of the architectures that it is built for.
func triplets() map[string]string {
	return map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu", "arm": "arm-linux-gnueabihf"}
}

// Path is where the plugin of the running program lies: /usr/bin/callboxd has it in
// /usr/lib/<triplet>/callbox. It may not be there.
func Path() string {
	exe, err := os.Executable()
	if err != nil {
		return ""
	}
	return filepath.Join(filepath.Dir(exe), "..", "lib", triplets()[runtime.GOARCH], "callbox", "callbox-avcodec.so")
}

// Installed reports whether there is a file at path.
func Installed(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Open opens the plugin at path. Errors wrap ErrMissing when there is no such file.
func Open(path string) (*Library, error) {
	if !Installed(path) {
		return nil, ErrMissing
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var why text
	l := C.callbox_avcodec_load(name, why.c(), why.size())
	if l == nil {
		return nil, fmt.Errorf("cannot open the encoders of libavcodec: %v; install callbox-hwenc of this release and version", &why)
	}
	return &Library{c: l}, nil
}

// Version is that of libavcodec, for people.
func (l *Library) Version() string { return C.GoString(l.c.version) }

// text is what C says went wrong.
type text [400]byte

func (t *text) c() *C.char { return (*C.char)(unsafe.Pointer(&t[0])) }

func (t *text) size() C.int { return C.int(len(t)) }

// String is what C wrote.
func (t *text) String() string {
	s, _, _ := bytes.Cut(t[:], []byte{0})
	return string(s)
}
