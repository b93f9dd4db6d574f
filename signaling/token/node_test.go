package token_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"callbox/hal/haltest"
	"callbox/signaling/token"
)

const nodeExample = "../../docs/examples/backend-node"

// node finds Node; without one there is nothing to compare with.
func node(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		haltest.Missing(t, "node")
	}
	return path
}

// TestNodeExample runs the tests of the example backend, which read the same vectors.
func TestNodeExample(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), node(t), "--test")
	cmd.Dir = nodeExample
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("\n# fail 0")) {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestNodeSigns: a device takes what the example backend signs.
func TestNodeSigns(t *testing.T) {
	v := readVectors(t)
	module, err := filepath.Abs(filepath.Join(nodeExample, "token.mjs"))
	if err != nil {
		t.Fatal(err)
	}
	script := `
import { readFileSync } from "node:fs";
import { issueToken, loadKey } from "file://` + module + `";
const v = JSON.parse(readFileSync(process.argv[2], "utf8"));
console.log(issueToken(loadKey(v.private), { iss: "https://maker.example", sn: v.sn, sub: "user-17", roomId: v.roomId,
  roomType: v.roomType, callerName: "Zoë 周", jkt: v.phone, dkt: v.dkt, now: v.now, timeLimit: 0.5, nonce: "bm9uY2U" }));`
	file := filepath.Join(t.TempDir(), "sign.mjs")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), node(t), file, vectorsFile).Output()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.TrimSpace(string(out))
	if err := v.judge(text); err != nil {
		t.Fatal(err)
	}
	got, err := token.Parse(text)
	if err != nil || got.CallerName != "Zoë 周" || got.TimeLimit.Seconds() != 0.5 || got.Nonce != "bm9uY2U" || got.KID != "2026-11" {
		t.Errorf("token = %+v, %v", got, err)
	}
}
