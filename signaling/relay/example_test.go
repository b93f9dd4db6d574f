package relay

import (
	"bytes"
	"os/exec"
	"testing"

	"callbox/hal/haltest"
)

// TestNodeExample runs the tests of the example phone of docs/relay.md, which read the
// golden messages. The whole example runs in cmd/callboxd/e2e.
func TestNodeExample(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		haltest.Missing(t, "node")
	}
	cmd := exec.CommandContext(t.Context(), node, "--test")
	cmd.Dir = "../../docs/examples/relay"
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("\n# fail 0")) {
		t.Errorf("%v\n%s", err, out)
	}
}
