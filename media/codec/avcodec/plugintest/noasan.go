//go:build !asan

package plugintest

// flags are those of the test's own C code.
const flags = ""
