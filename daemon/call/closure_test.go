package call

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// TestTablesAreClosed: a new event, phase or timer that no table has is seen here.
func TestTablesAreClosed(t *testing.T) {
	tabled := map[string]bool{}
	for _, events := range []map[string]Event{every, dialing} {
		for _, ev := range events {
			tabled[strings.TrimPrefix(fmt.Sprintf("%T", ev), "call.")] = true
			if fired, ok := ev.(TimerFired); ok {
				tabled[string(fired.Timer)] = true
			}
		}
	}
	for _, cell := range cells {
		tabled[string(cell.state.Phase)] = true
	}
	for _, state := range dialStates {
		tabled[string(state.Phase)] = true
	}
	n := 0
	for _, name := range declared(t, "events.go", "callEvent") {
		n++
		if !tabled[name] {
			t.Errorf("no table has the event %s", name)
		}
	}
	for _, value := range append(constants(t, "state.go", "Phase"), constants(t, "effects.go", "Timer")...) {
		n++
		if !tabled[value] {
			t.Errorf("no table has %s", value)
		}
	}
	if n < 25 {
		t.Fatalf("found only %d events, phases and timers", n)
	}
}

func parse(t *testing.T, file string) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// declared returns the types of file that have the method.
func declared(t *testing.T, file, method string) (types []string) {
	t.Helper()
	for _, d := range parse(t, file).Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == method {
			if id, ok := f.Recv.List[0].Type.(*ast.Ident); ok {
				types = append(types, id.Name)
			}
		}
	}
	return types
}

// constants returns the values of file's string constants of a type.
func constants(t *testing.T, file, typ string) (values []string) {
	t.Helper()
	ast.Inspect(parse(t, file), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typ {
			for _, v := range spec.Values {
				if text, err := strconv.Unquote(v.(*ast.BasicLit).Value); err == nil {
					values = append(values, text)
				}
			}
		}
		return true
	})
	return values
}
