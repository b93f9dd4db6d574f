package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// floor is the house: a top-level folder imports only those below its own.
// Folders that have none are unknown here and may not be imported.
var floor = map[string]int{"cmd": 4, "daemon": 3, "media": 2, "signaling": 2, "hal": 1, "systemd": 1}

// only lists packages that import nothing of ours but what stands here.
var only = map[string][]string{
	"callbox/daemon/call":     {"callbox/signaling/cause"},
	"callbox/daemon/policy":   {"callbox/signaling/cause"},
	"callbox/signaling/cause": {},
}

// TestFloors keeps the house of docs/house.md. Run it with -count=1: the test
// cache does not see what go list reads.
func TestFloors(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cannot list packages: %v\n%s", err, stderr.String())
	}
	seen := 0
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath                         string
			Imports, TestImports, XTestImports []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		from := top(p.ImportPath)
		if floor[from] == 0 {
			t.Errorf("%s is on no floor: give %q one in daemon/arch_test.go and docs/house.md", p.ImportPath, from)
		}
		for _, imp := range p.Imports {
			checkImport(t, p.ImportPath, imp)
		}
		// Tests may use what is on their own floor's neighbours, never what is above.
		for _, imp := range append(p.TestImports, p.XTestImports...) {
			if to := top(imp); to != "" && floor[from] < floor[to] {
				t.Errorf("the tests of %s import %s from a floor above", p.ImportPath, imp)
			}
		}
	}
	if seen < 5 {
		t.Fatalf("go list found only %d packages", seen)
	}
}

func checkImport(t *testing.T, pkg, imp string) {
	t.Helper()
	from, to := top(pkg), top(imp)
	if to == "" { // not ours
		return
	}
	if from != to && (floor[from] <= floor[to] || floor[to] == 0) {
		t.Errorf("%s imports %s: declare an interface in %s instead", pkg, imp, from)
	}
	if allowed, ok := only[pkg]; ok {
		for _, a := range allowed {
			if a == imp {
				return
			}
		}
		t.Errorf("%s imports %s: it is pure and may import only %v", pkg, imp, allowed)
	}
}

// top returns the top-level folder of one of our packages, "" for any other.
func top(pkg string) string {
	rest, ok := strings.CutPrefix(pkg, "callbox/")
	if !ok {
		return ""
	}
	folder, _, _ := strings.Cut(rest, "/")
	return folder
}
