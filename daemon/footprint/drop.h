#include <stddef.h>
#include <stdint.h>

typedef struct { uintptr_t from, to; } callbox_span;

// callbox_drop lets go of the spans that are code or constants of the program or of one of
// its libraries; of others nothing. Returns 0 or an errno.
int callbox_drop(const callbox_span *spans, size_t n);
