//go:build race || asan

package haltest

// Slow says that Go runs ten times slower than it would, or worse: under the race
// detector or AddressSanitizer.
const Slow = true
