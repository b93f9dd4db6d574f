package sound

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stddef.h>

static void callbox_silent(const char *file, int line, const char *function, int err, const char *fmt, ...) {}

typedef void (*callbox_handler)(const char *, int, const char *, int, const char *, ...);

// libasound writes to stderr unless it has a handler. Our reference keeps the
// library, and with it the handler, while miniaudio loads and unloads it.
static void callbox_quiet(void) {
	void *lib = dlopen("libasound.so.2", RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL)
		return;
	int (*set)(callbox_handler) = (int (*)(callbox_handler))dlsym(lib, "snd_lib_error_set_handler");
	if (set != NULL)
		set(callbox_silent);
}
*/
import "C"

import "sync"

// quietALSA stops libasound from writing to stderr; its errors come back as
// errors all the same.
var quietALSA = sync.OnceFunc(func() { C.callbox_quiet() })
