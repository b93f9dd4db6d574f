package haltest

import (
	"os"
	"testing"
)

// Missing skips a test that needs what is not installed here. In CI, where .ci/setup
// test has installed all that tests need, the test fails.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not there; run .ci/setup test", what)
	}
	t.Skipf("%s is not there; run .ci/setup test", what)
}
