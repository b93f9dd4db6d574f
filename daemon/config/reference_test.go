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
		"config": {"config.go", "issuers.go"}, "direct": {"../../signaling/direct/options.go"}, "push": {"../../signaling/push/options.go"},
		"mqtt": {"../../signaling/mqtt/options.go"}, "relay": {"../../signaling/relay/relay.go"},
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

A change takes effect when the daemon is restarted; where a key says so, a reload (` + "`callboxctl reload`" + ` or
` + "`systemctl reload callbox`" + `) is enough. A running call keeps the limit and the timers that it
began with; a right that is taken away ends it. A duration has its unit:
` + "`90s`, `1m30s`, `2h`, `90d`" + `.
`)
	defaults := values(Default())
	commentOf := func(typ reflect.Type, f field, full string) string {
		if len(f.Index) > 1 { // of an embedded struct
			typ = typ.FieldByIndex(f.Index[:len(f.Index)-1]).Type
		}
		doc := comments[typ.String()+"."+f.Name]
		if doc == "" {
			doc = comments[f.Type.String()]
		}
		if doc == "" {
			t.Errorf("%s (%s.%s) has no comment", full, typ, f.Name)
		}
		return doc
	}
	var walk func(typ reflect.Type, path string)
	walk = func(typ reflect.Type, path string) {
		for _, f := range fields(typ) {
			full := join(path, f.key)
			doc := commentOf(typ, f, full)
			n := schemaOf(f.Type, full)
			if n.kind == kindSection {
				fmt.Fprintf(&b, "\n## %s\n\n%s\n", full, doc)
				walk(f.Type, full)
				continue
			}
			fmt.Fprintf(&b, "\n**`%s`** %s\n\n", full, doc)
			if n.kind == kindList && n.item.kind == kindSection {
				fmt.Fprintf(&b, "Default: empty. No environment variable.%s Keys of each item:\n\n", effectText(full))
				for _, sub := range fields(n.item.typ) {
					fmt.Fprintf(&b, "- `%s`: %s\n", sub.key, commentOf(n.item.typ, sub, full+"."+sub.key))
				}
				continue
			}
			items := ""
			if n.kind == kindList {
				items = fmt.Sprintf(", items separated by `%s`", separator(n))
			}
			fmt.Fprintf(&b, "Default: %s. Environment: `%s`%s.%s\n", defaultText(defaults[full]), variable(full), items, effectText(full))
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

func effectText(key string) string {
	if EffectOf(key) == AtReload {
		return " Takes effect at a reload."
	}
	return ""
}

func defaultText(v any) string {
	var text string
	switch value := reflect.ValueOf(v); {
	case value.Kind() == reflect.Pointer && value.IsNil():
		return "not set"
	case value.Kind() == reflect.Slice:
		var items []string
		for i := range value.Len() {
			items = append(items, fmt.Sprint(value.Index(i).Interface()))
		}
		text = strings.Join(items, ", ")
	default:
		if m, ok := v.(encoding.TextMarshaler); ok {
			p, _ := m.MarshalText()
			text = string(p)
		} else {
			text = fmt.Sprint(v)
		}
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
			n := schemaOf(f.Type, f.Name)
			if n.kind == kindList {
				n = n.item
			}
			if n.kind == kindSection {
				walk(n.typ)
			}
		}
	}
	walk(reflect.TypeFor[Config]())
}
