package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Key describes one key of the file, for whoever writes about the configuration. It
// is read off the structs.
type Key struct {
	// Name is the last part of Path, and Path the dotted path: call.ring_timeout. In the
	// items of a list, Path is that of the list and the name: policy.groups.name.
	Name, Path string
	// Kind is section, bool, int, number, string, text (with rules of its own),
	// duration or list.
	Kind string
	// Owner and Field name the field: "config.Call" and "RingTimeout". Type is that of
	// the field: "time.Duration".
	Owner, Field, Type string
	// Form is that of a text with rules of its own.
	Form Form
	// Default is the text of the default value as the environment takes it; "" is an
	// empty one. Unset says that the key has none. Neither is known of items of a list.
	Default string
	Unset   bool
	// Value is the default value.
	Value any
	// Variable is the environment variable, "" for none, and Separator what stands
	// between the items of a list there.
	Variable, Separator string
	// Effect says when a change takes effect.
	Effect Effect
	// Keys are those of a section, or of the items of a list of mappings.
	Keys []Key
	// Items is the kind of the items of a list, and ItemForm their Form.
	Items    string
	ItemForm Form
}

// Keys returns the keys of the file, in its order.
func Keys() []Key {
	defaults := values(Default())
	var walk func(typ reflect.Type, path string, item bool) []Key
	walk = func(typ reflect.Type, path string, item bool) (keys []Key) {
		for _, f := range fields(typ) {
			full := join(path, f.key)
			n := schemaOf(f.Type, full)
			k := Key{
				Name: f.key, Path: full, Kind: n.kind.String(), Owner: owner(typ, f).String(), Field: f.Name, Type: f.Type.String(),
				Form: formOf(n.typ), Effect: EffectOf(full),
			}
			switch n.kind {
			case kindSection:
				k.Keys = walk(n.typ, full, item)
			case kindList:
				k.Items, k.ItemForm = n.item.kind.String(), formOf(n.item.typ)
				if n.item.kind == kindSection {
					k.Keys = walk(n.item.typ, full, true)
					break
				}
				k.Separator = separator(n)
			default: // nothing stands below the others
			}
			if n.kind != kindSection && !item {
				k.Value = defaults[full]
				k.Default, k.Unset = valueText(k.Value, k.Separator)
				if len(k.Keys) == 0 {
					k.Variable = variable(full)
				}
			}
			keys = append(keys, k)
		}
		return keys
	}
	return walk(reflect.TypeFor[Config](), "", false)
}

// owner is the struct that has f itself.
func owner(typ reflect.Type, f field) reflect.Type {
	if len(f.Index) > 1 { // of an embedded struct
		typ = typ.FieldByIndex(f.Index[:len(f.Index)-1]).Type
	}
	return typ
}

func (k kind) String() string {
	switch k {
	case kindSection:
		return "section"
	case kindBool:
		return "bool"
	case kindInt:
		return "int"
	case kindNumber:
		return "number"
	case kindString:
		return "string"
	case kindText:
		return "text"
	case kindDuration:
		return "duration"
	case kindList:
		return "list"
	}
	return "unknown"
}

func valueText(v any, separator string) (text string, unset bool) {
	value := reflect.ValueOf(v)
	switch {
	case value.Kind() == reflect.Pointer && value.IsNil():
		return "", true
	case value.Kind() == reflect.Slice:
		items := make([]string, value.Len())
		for i := range items {
			items[i], _ = valueText(value.Index(i).Interface(), "")
		}
		return strings.Join(items, separator), value.IsNil()
	}
	if d, ok := v.(time.Duration); ok {
		return d.String(), false
	}
	if m, ok := v.(encoding.TextMarshaler); ok {
		if p, err := m.MarshalText(); err == nil {
			return string(p), false
		}
	}
	return fmt.Sprint(v), false
}
