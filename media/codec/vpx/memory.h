// A codec's pictures are tens of MB. glibc takes the first of such a size straight
// from the system; when that is freed it raises the size from which it does so (up
// to 32 MB), takes the next ones from the arena of the calling thread, and keeps
// them there: malloc_trim(3) does not give back the top of a thread's arena. After
// a few calls that is more than the daemon itself needs.
#include <malloc.h>

// callbox_map_pictures makes malloc take pictures from the system for good, so that
// free gives them back. It costs page faults only when a codec begins.
static inline void callbox_map_pictures(void) {
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
}

// callbox_trim gives the small rest back.
static inline void callbox_trim(void) {
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}
