package config

import (
	"encoding"
	"reflect"
	"strings"
	"time"
)

// kind is what a key takes.
type kind int

const (
	kindSection kind = iota // a mapping of further keys
	kindBool
	kindInt
	kindNumber
	kindString
	kindText     // a type with UnmarshalText
	kindDuration // time.Duration, with a unit
	kindList     // of texts, durations or mappings
)

// node is one key of the schema. The schema is read off the structs, so that it
// cannot differ from them.
type node struct {
	path string // dotted, "" for the whole file
	kind kind
	keys []string         // of a section, in the order of the struct
	sub  map[string]*node // of a section
	item *node            // of a list
	typ  reflect.Type
}

// schema returns the tree of keys that Config has.
func schema() *node { return schemaOf(reflect.TypeFor[Config](), "") }

func schemaOf(t reflect.Type, path string) *node {
	if t.Kind() == reflect.Pointer { // a key that may be left out without a default
		t = t.Elem()
	}
	n := &node{path: path, typ: t}
	switch {
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		n.kind = kindText
	case t == reflect.TypeFor[time.Duration]():
		n.kind = kindDuration
	case t.Kind() == reflect.Bool:
		n.kind = kindBool
	case t.Kind() == reflect.Int:
		n.kind = kindInt
	case t.Kind() == reflect.Float64:
		n.kind = kindNumber
	case t.Kind() == reflect.String:
		n.kind = kindString
	case t.Kind() == reflect.Slice:
		n.kind, n.item = kindList, schemaOf(t.Elem(), path)
	case t.Kind() == reflect.Struct:
		n.kind, n.sub = kindSection, map[string]*node{}
		for _, f := range fields(t) {
			n.keys = append(n.keys, f.key)
			n.sub[f.key] = schemaOf(f.Type, join(path, f.key))
		}
	default:
		panic("the configuration has a field of a type that it cannot read: " + path + " " + t.String())
	}
	return n
}

// field is one key of a struct.
type field struct {
	reflect.StructField
	key string
}

// fields returns the keys of a struct in order, those of an embedded one among
// them.
func fields(t reflect.Type) []field {
	var out []field
	for _, f := range reflect.VisibleFields(t) {
		if key, ok := f.Tag.Lookup("mapstructure"); ok && key != squash {
			out = append(out, field{f, key})
		}
	}
	return out
}

// squash is the tag of an embedded struct whose keys stand among the others.
const squash = ",squash"

// leaves calls f for every key that takes a value, in the order of the structs.
func (n *node) leaves(f func(*node)) {
	if n.kind != kindSection {
		f(n)
		return
	}
	for _, key := range n.keys {
		n.sub[key].leaves(f)
	}
}

// values returns what a struct holds under each leaf, by its path.
func values(c *Config) map[string]any {
	out := map[string]any{}
	var walk func(v reflect.Value, path string, n *node)
	walk = func(v reflect.Value, path string, n *node) {
		if n.kind != kindSection {
			out[path] = v.Interface()
			return
		}
		for _, f := range fields(v.Type()) {
			walk(v.FieldByIndex(f.Index), join(path, f.key), n.sub[f.key])
		}
	}
	walk(reflect.ValueOf(c).Elem(), "", schema())
	return out
}

// variable is the environment variable of a leaf.
func variable(path string) string {
	return "CALLBOX_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
