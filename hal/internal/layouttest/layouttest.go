// Package layouttest compares structs of the kernel that are written in Go with what a
// C compiler makes of them.
package layouttest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"testing"
)

// Layout is what sizeof and offsetof say of one struct, in bytes.
type Layout struct {
	Name    string
	Size    int64
	Offsets map[string]int64
}

// Check compares structs.go of the folder of the test with layouts, as Go lays its
// structs out on these architectures.
func Check(t *testing.T, layouts []Layout, archs ...string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "structs.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := new(types.Config).Check("uapi", set, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range archs {
		sizes := types.SizesFor("gc", arch)
		for _, want := range layouts {
			s := pkg.Scope().Lookup(want.Name).Type().Underlying().(*types.Struct)
			if got := sizes.Sizeof(s); got != want.Size {
				t.Errorf("%s: sizeof %s = %d, want %d", arch, want.Name, got, want.Size)
			}
			var fields []*types.Var
			for f := range s.Fields() {
				fields = append(fields, f)
			}
			found := 0
			for i, offset := range sizes.Offsetsof(fields) {
				if of, ok := want.Offsets[fields[i].Name()]; ok {
					found++
					if offset != of {
						t.Errorf("%s: offsetof %s.%s = %d, want %d", arch, want.Name, fields[i].Name(), offset, of)
					}
				}
			}
			if found != len(want.Offsets) {
				t.Errorf("%s: %d of %d fields found", want.Name, found, len(want.Offsets))
			}
		}
	}
}
