package daemon

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"callbox/signaling/token"
)

// TestABackendInGo builds and runs the program of docs/tokens.md in a module of its own,
// by the commands that stand there.
func TestABackendInGo(t *testing.T) {
	text, err := os.ReadFile("../docs/tokens.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(text), "### A backend in Go")
	shell := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(section)
	program := regexp.MustCompile("(?s)```go\n(.*?)```").FindStringSubmatch(section)
	if !ok || shell == nil || program == nil {
		t.Fatal("docs/tokens.md has no program in Go")
	}
	callbox, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(callbox, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"go.mod": []byte("module maker.example/backend\n\ngo 1.26\n"), "go.sum": sums, "main.go": []byte(program[1]),
		"maker.pem": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// What they need is here already: the test of a page asks no network.
	script := "set -e\n" + strings.ReplaceAll(shell[1], "../callbox", callbox) + "go run .\n"
	run := exec.CommandContext(t.Context(), "bash", "-c", script)
	run.Dir = dir
	run.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOPROXY=off", "GOWORK=off")
	var errs strings.Builder
	run.Stderr = &errs
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	if _, err := token.Parse(strings.TrimSpace(string(out))); err != nil {
		t.Errorf("it printed %q: %v", out, err)
	}
}
