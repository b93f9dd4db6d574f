package config

import (
	"reflect"
	"testing"
)

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
