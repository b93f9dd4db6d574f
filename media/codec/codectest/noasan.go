//go:build !asan

package codectest

// sanitized says that AddressSanitizer runs, under which cgo allocates.
const sanitized = false
