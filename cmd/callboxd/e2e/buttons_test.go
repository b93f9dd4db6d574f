//go:build device

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// testButtons runs the tests of hal/button that need keyboards of the kernel's, as
// one static program in the machine.
func testButtons(t *testing.T, m *machine) {
	program := filepath.Join(t.TempDir(), "button.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags=device", "-o", program, "callbox/hal/button")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the tests of hal/button: %v\n%s", err, out)
	}
	m.must(time.Minute, "put", program, "/opt/")
	m.must(time.Minute, "exec", "modprobe", "uinput")
	out, err := m.run(5*time.Minute, "exec", "/opt/button.test", "-test.v", "-test.timeout=4m", "-test.run=^TestDevice")
	t.Logf("in the machine:\n%s", out)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`(?m)^--- PASS: TestDevice`).FindAll(out, -1)); n < 5 {
		t.Errorf("%d tests passed in the machine, want 5", n)
	}
}
