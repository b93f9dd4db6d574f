// Package heap keeps the memory of C codecs from staying with the process.
//
// A codec's pictures are tens of MB. glibc takes the first of such a size straight
// from the system; when that is freed it raises the size from which it does so (up
// to 32 MB), takes the next ones from the arena of the calling thread, and keeps
// them there: malloc_trim(3) does not give back the top of a thread's arena. After
// a few calls that is more than the daemon itself needs.
package heap

/*
#include <malloc.h>
#include "blank.h"

static void callbox_map_pictures(void) {
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
}

static void callbox_trim(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
*/
import "C"

import "runtime"

// MapPictures makes malloc take pictures from the system for good, so that free
// gives them back. It costs page faults only when a codec begins. Call it before a
// codec is opened.
func MapPictures() { C.callbox_map_pictures() }

// Trim gives the small rest back. Call it after a codec was closed.
func Trim() { C.callbox_trim() }

// Opening calls open, which opens a codec, and gives back what that has filled with
// zeros and not used: libvpx has room for every coefficient of a picture, 22 MB for one
// of 1280 x 720, of which a call needs less than one. Pages that are used later come back
// as zeros. Only what open takes on its own thread in pieces of 1 MiB and more is looked
// at, which needs glibc; until open has returned no other thread may write there.
func Opening(open func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.callbox_note_large()
	defer C.callbox_drop_blank()
	open()
}
