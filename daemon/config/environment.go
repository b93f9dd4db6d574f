package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"callbox/daemon/policy"
)

// environment reads CALLBOX_SECTION_KEY for every key that takes one value or a
// list of values (see separator). An empty variable counts as not set. A
// variable that begins like a section and names no key is refused like an unknown
// key; other CALLBOX_ variables belong to other programs.
func (w *walker) environment(environ []string, root *node) map[string]any {
	byName := map[string]*node{}
	var names []string
	root.leaves(func(n *node) {
		byName[variable(n.path)] = n
		names = append(names, variable(n.path))
	})
	out := map[string]any{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if value == "" || !inSection(name, root) {
			continue
		}
		n, known := byName[name]
		if !known {
			hint := ""
			if near := nearestVariable(name, names); near != "" {
				hint = fmt.Sprintf(" (did you mean %s?)", near)
			}
			w.problems = append(w.problems, Problem{
				Source: name, Text: "no key has this environment variable" + hint + "; allowed: CALLBOX_SECTION_KEY of a known key",
			})
			continue
		}
		v, err := fromText(value, n)
		if err != nil {
			w.bad[n.path] = true
			w.problems = append(w.problems, Problem{Source: name, Key: n.path, Text: err.Error()})
			continue
		}
		w.places[n.path] = place{source: name}
		out[n.path] = v
	}
	return out
}

// fromText converts what the environment can hold: text.
func fromText(value string, n *node) (any, error) {
	switch n.kind {
	case kindString, kindText, kindDuration:
		return value, nil
	case kindBool:
		switch value {
		case "true", "false":
			return value == "true", nil
		}
	case kindInt:
		if i, err := strconv.Atoi(value); err == nil {
			return i, nil
		}
	case kindNumber:
		if f, err := strconv.ParseFloat(value, 64); err == nil {
			return f, nil
		}
	case kindList:
		switch n.item.kind {
		case kindString, kindText, kindDuration:
			out := []any{}
			for one := range strings.SplitSeq(value, separator(n)) {
				out = append(out, strings.TrimSpace(one))
			}
			return out, nil
		case kindSection, kindBool, kindInt, kindNumber, kindList:
		}
		return nil, fmt.Errorf("is a list of mappings, which no environment variable can hold; write it in the file")
	case kindSection:
	}
	return nil, fmt.Errorf("is the text %q; needs %s", value, n.kind.needs())
}

// separator is what stands between the items of a list in a variable: windows of
// time have commas themselves.
func separator(list *node) string {
	if list.item.typ == reflect.TypeFor[policy.Window]() {
		return ";"
	}
	return ","
}

func inSection(name string, root *node) bool {
	for _, section := range root.keys {
		if strings.HasPrefix(name, variable(section)+"_") {
			return true
		}
	}
	return false
}

func nearestVariable(name string, names []string) string {
	lower := make([]string, len(names))
	for i, n := range names {
		lower[i] = strings.ToLower(n)
	}
	if near := nearest(name, lower); near != "" {
		return strings.ToUpper(near)
	}
	return ""
}

// lookup returns the value of a variable; the last one counts, as in os/exec.
func lookup(environ []string, name string) string {
	value := ""
	for _, entry := range environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}
