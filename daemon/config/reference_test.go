package config

import (
	"encoding"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const reference = "../../docs/configuration.md"

// TestEveryKeyIsDocumented builds the reference of all keys from the comments of
// their fields and compares it with the one in docs. A field without a comment
// fails.
func TestEveryKeyIsDocumented(t *testing.T) {
	comments := map[string]string{} // "package.Type.Field": its comment
	for pkg, files := range map[string][]string{
		"config": {"config.go"}, "direct": {"../../signaling/direct/options.go"},
		"options": {"../../media/options/options.go"}, "hal": {"../../hal/options.go"},
	} {
		for _, file := range files {
			readComments(t, pkg, file, comments)
		}
	}
	var b strings.Builder
	b.WriteString(`# The configuration, key by key

The daemon reads ` + "`" + DefaultFile + "`" + `. Every key is optional. An environment variable (empty: not set) wins over
the file. ` + "`callboxctl check`" + ` finds every mistake in a file, with its line. This page is made from the comments in the
code by ` + "`go test ./daemon/config -update`" + `.
`)
	defaults := values(Default())
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			key, ok := f.Tag.Lookup("mapstructure")
			if !ok {
				continue
			}
			full := join(path, key)
			doc := comments[typ.String()+"."+f.Name]
			if doc == "" {
				doc = comments[f.Type.String()]
			}
			if doc == "" {
				t.Errorf("%s (%s.%s) has no comment", full, typ, f.Name)
				continue
			}
			if n := schemaOf(f.Type, full); n.kind == kindSection {
				fmt.Fprintf(&b, "\n## %s\n\n%s\n", full, doc)
				walk(f.Type, full)
				continue
			}
			fmt.Fprintf(&b, "\n**`%s`** %s\n\n", full, doc)
			if f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct {
				fmt.Fprintf(&b, "Default: empty. No environment variable. Keys of each item:\n")
				item := f.Type.Elem()
				for j := range item.NumField() {
					sub := item.Field(j)
					fmt.Fprintf(&b, "`%s`. ", sub.Tag.Get("mapstructure"))
				}
				b.WriteString("\n")
				continue
			}
			fmt.Fprintf(&b, "Default: %s. Environment: `%s`.\n", defaultText(defaults[full]), variable(full))
		}
	}
	walk(reflect.TypeFor[Config](), "")

	got := b.String()
	if *update {
		if err := os.WriteFile(reference, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(reference)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is out of date: run go test ./daemon/config -update", reference)
	}
}

func defaultText(v any) string {
	var text string
	switch v := v.(type) {
	case encoding.TextMarshaler:
		p, _ := v.MarshalText()
		text = string(p)
	case fmt.Stringer:
		text = v.String()
	case []string:
		return "empty"
	default:
		text = fmt.Sprint(v)
	}
	if text == "" {
		return "empty"
	}
	return "`" + text + "`"
}

func readComments(t *testing.T, pkg, file string, out map[string]string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		decl, ok := n.(*ast.GenDecl)
		if !ok || decl.Tok != token.TYPE || len(decl.Specs) != 1 {
			return true
		}
		spec := decl.Specs[0].(*ast.TypeSpec)
		out[pkg+"."+spec.Name.Name] = strings.Join(strings.Fields(decl.Doc.Text()), " ")
		fields, ok := spec.Type.(*ast.StructType)
		if !ok {
			return true
		}
		for _, f := range fields.Fields.List {
			if f.Tag == nil {
				continue
			}
			if tag, _ := strconv.Unquote(f.Tag.Value); !strings.Contains(tag, "mapstructure") {
				continue
			}
			for _, name := range f.Names {
				text := strings.Join(strings.Fields(f.Doc.Text()), " ")
				if text == "" {
					text = strings.Join(strings.Fields(f.Comment.Text()), " ")
				}
				out[pkg+"."+spec.Name.Name+"."+name.Name] = text
			}
		}
		return true
	})
}

// TestEveryFieldHasAKey would fail if a field were forgotten by its tag.
func TestEveryFieldHasAKey(t *testing.T) {
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			if f.Tag.Get("mapstructure") == "" {
				t.Errorf("%s.%s cannot be set: it has no mapstructure tag", typ, f.Name)
			}
			if schemaOf(f.Type, f.Name).kind == kindSection {
				walk(f.Type)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
}
