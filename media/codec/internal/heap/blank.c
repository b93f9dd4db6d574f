#include "blank.h"

#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

// AddressSanitizer has a malloc of its own, and other C libraries hide theirs.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)

// glibc's, for programs whose malloc stands before it: "Replacing malloc" in its manual.
extern void *__libc_malloc(size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

enum { large = 1 << 20, most = 64 };

static __thread struct {
	int on, n;
	struct { char *at; size_t len; } list[most];
} noted;

static void forget(void *p) {
	for (int i = 0; i < noted.n; i++) {
		if (noted.list[i].at == p) noted.list[i--] = noted.list[--noted.n];
	}
}

// Every library of the program comes by here.
void *malloc(size_t len) {
	char *p = __libc_malloc(len);
	if (noted.on && p && len >= large && noted.n < most) {
		noted.list[noted.n].at = p;
		noted.list[noted.n++].len = len;
	}
	return p;
}

void *realloc(void *p, size_t len) {
	if (noted.on) forget(p);
	return __libc_realloc(p, len);
}

void free(void *p) {
	if (noted.on) forget(p);
	__libc_free(p);
}

void callbox_note_large(void) {
	noted.n = 0;
	noted.on = 1;
}

static int blank(const char *page, size_t size) {
	return !page[0] && !memcmp(page, page + 1, size - 1);
}

// The system shows zeros where anonymous memory was given back.
static void drop(char *at, size_t len, size_t page) {
	char *p = at + (page - (size_t)at % page) % page, *from = p;
	for (; p + page <= at + len; p += page) {
		if (blank(p, page)) continue;
		if (p > from) madvise(from, p - from, MADV_DONTNEED);
		from = p + page;
	}
	if (p > from) madvise(from, p - from, MADV_DONTNEED);
}

void callbox_drop_blank(void) {
	noted.on = 0;
	for (int i = 0; i < noted.n; i++) drop(noted.list[i].at, noted.list[i].len, sysconf(_SC_PAGESIZE));
}

#else

void callbox_note_large(void) {}

void callbox_drop_blank(void) {}

#endif
