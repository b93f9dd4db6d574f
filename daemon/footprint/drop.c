#define _GNU_SOURCE
#include "drop.h"

#include <errno.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MADV_COLD
#define MADV_COLD 20
#endif

struct wanted { const callbox_span *spans; size_t n; int err; };

static void drop(struct wanted *w, uintptr_t from, uintptr_t to) {
	for (size_t i = 0; i < w->n; i++) {
		if (w->spans[i].from != from || w->spans[i].to != to) continue;
		madvise((void *)from, to - from, MADV_COLD); // not before Linux 5.4, which need not
		if (madvise((void *)from, to - from, MADV_DONTNEED)) w->err = errno;
	}
}

static int object(struct dl_phdr_info *o, size_t size, void *data) {
	uintptr_t page = sysconf(_SC_PAGESIZE);
	for (int i = 0; i < o->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &o->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || (p->p_flags & PF_W)) continue;
		uintptr_t at = o->dlpi_addr + p->p_vaddr;
		drop(data, at & -page, (at + p->p_memsz + page - 1) & -page);
	}
	return 0;
}

// While dl_iterate_phdr runs no library is put away, so that the place of none can have
// been taken by something else.
int callbox_drop(const callbox_span *spans, size_t n) {
	struct wanted w = {spans, n, 0};
	dl_iterate_phdr(object, &w);
	return w.err;
}
