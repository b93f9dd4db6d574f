package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestEveryKeyHasAnEffect would fail for a new section that nobody thought about,
// and for a row that no key needs.
func TestEveryKeyHasAnEffect(t *testing.T) {
	used := map[string]bool{}
	schema().leaves(func(n *node) {
		var rows []string
		for _, row := range effects {
			if n.path == row.path || strings.HasPrefix(n.path, row.path+".") {
				rows = append(rows, row.path)
				used[row.path] = true
			}
		}
		if len(rows) != 1 {
			t.Errorf("%s is in the rows %v, want one", n.path, rows)
		}
		first, _, _ := strings.Cut(n.path, ".")
		want := AtRestart
		if slices.Contains([]string{"policy", "call", "records"}, first) || n.path == "log.level" || n.path == "signaling.issuers" {
			want = AtReload
		}
		if got := EffectOf(n.path); got != want {
			t.Errorf("EffectOf(%s) = %s, want %s", n.path, got, want)
		}
	})
	for _, row := range effects {
		if !used[row.path] {
			t.Errorf("no key is in the row %s", row.path)
		}
	}
	for _, key := range []string{"", "calls.answer", "log", "log.levels"} {
		if got := EffectOf(key); got != AtRestart {
			t.Errorf("EffectOf(%q) = %s", key, got)
		}
	}
}

// TestDiff changes each key in turn: exactly that one must be named.
func TestDiff(t *testing.T) {
	if got := Diff(Default(), Default()); got != nil {
		t.Errorf("two defaults differ in %v", got)
	}
	schema().leaves(func(n *node) {
		c := Default()
		v := reflect.ValueOf(c).Elem()
		for key := range strings.SplitSeq(n.path, ".") {
			for _, f := range fields(v.Type()) {
				if f.key == key {
					v = v.FieldByIndex(f.Index)
					break
				}
			}
		}
		other := reflect.New(v.Type()).Elem() // the zero value, or else something that is not
		if reflect.DeepEqual(v.Interface(), other.Interface()) {
			switch v.Kind() {
			case reflect.Pointer:
				other.Set(reflect.New(v.Type().Elem()))
			case reflect.Slice:
				other.Set(reflect.MakeSlice(v.Type(), 1, 1))
			case reflect.String:
				other.SetString("x")
			case reflect.Int, reflect.Int64:
				other.SetInt(1)
			case reflect.Float64:
				other.SetFloat(1)
			case reflect.Bool:
				other.SetBool(true)
			default:
				t.Fatalf("%s: no other value of %s", n.path, v.Type())
			}
		}
		v.Set(other)
		if got := Diff(Default(), c); !slices.Equal(got, []string{n.path}) {
			t.Errorf("after a change of %s: Diff = %v", n.path, got)
		}
	})
	a, b := Default(), Default()
	a.Log.Level, b.Call.RingTimeout = LevelDebug, time.Second
	b.Policy.Groups = []Group{{Name: "family"}}
	if got, want := Diff(a, b), []string{"call.ring_timeout", "policy.groups", "log.level"}; !slices.Equal(got, want) {
		t.Errorf("Diff = %v, want %v", got, want)
	}
}
