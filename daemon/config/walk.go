package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// place is where a value stands.
type place struct {
	source       string
	line, column int
}

// walker goes through a YAML document beside the schema. It notes every problem
// of form and keeps what is good, so that the values can be checked as well.
type walker struct {
	file     string
	places   map[string]place // of every value that was kept, by its path
	bad      map[string]bool  // paths whose problem is known already
	problems Problems
}

func (w *walker) problem(n *yaml.Node, key, format string, args ...any) {
	w.bad[key] = true
	w.problems = append(w.problems, Problem{
		Source: w.file, Line: n.Line, Column: n.Column, Key: key, Text: fmt.Sprintf(format, args...),
	})
}

// section reads a mapping. An empty one (all keys commented out) is fine.
func (w *walker) section(n *yaml.Node, s *node, path string) map[string]any {
	out := map[string]any{}
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
		return out
	}
	if n.Kind != yaml.MappingNode {
		w.problem(n, path, "is %s; needs a mapping of: %s", what(n), strings.Join(s.keys, ", "))
		return out
	}
	w.places[path] = place{w.file, n.Line, n.Column}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		full := join(path, key.Value)
		sub, known := s.sub[key.Value]
		if !known || key.Kind != yaml.ScalarNode {
			w.unknown(key, s, path)
			continue
		}
		if line, twice := seen[key.Value]; twice {
			w.problem(key, full, "is given twice; the first is in line %d", line)
			continue
		}
		seen[key.Value] = key.Line
		if v, ok := w.value(value, sub, full); ok {
			out[key.Value] = v
		}
	}
	return out
}

func (w *walker) unknown(key *yaml.Node, s *node, path string) {
	if key.Kind != yaml.ScalarNode {
		w.problem(key, path, "has %s as a key; allowed here: %s", what(key), strings.Join(s.keys, ", "))
		return
	}
	hint := ""
	if near := nearest(key.Value, s.keys); near != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	} else if home := homeOf(key.Value); home != "" {
		hint = fmt.Sprintf(" (did you mean %s?)", home)
	}
	w.problem(key, join(path, key.Value), "unknown key %q%s; allowed here: %s",
		key.Value, hint, strings.Join(s.keys, ", "))
}

// value reads one value in the form that its type takes, without any guessing:
// text for durations and types with UnmarshalText, which are decoded later.
func (w *walker) value(n *yaml.Node, s *node, path string) (any, bool) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		w.problem(n, path, "uses a YAML anchor or alias, which this file does not have; write the value itself")
		return nil, false
	}
	switch s.kind {
	case kindSection:
		return w.section(n, s, path), true
	case kindList:
		return w.list(n, s, path)
	case kindBool, kindInt, kindNumber, kindString, kindText, kindDuration:
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		w.problem(n, path, "is %s; needs %s", what(n), s.kind.needs())
		return nil, false
	}
	v, err := scalar(n, s.kind)
	if err != nil {
		w.problem(n, path, "%v", err)
		return nil, false
	}
	w.places[path] = place{w.file, n.Line, n.Column}
	return v, true
}

func (w *walker) list(n *yaml.Node, s *node, path string) (any, bool) {
	if n.Kind != yaml.SequenceNode {
		w.problem(n, path, "is %s; needs %s", what(n), s.kind.needs())
		return nil, false
	}
	w.places[path] = place{w.file, n.Line, n.Column}
	out := make([]any, 0, len(n.Content))
	for i, item := range n.Content {
		v, ok := w.value(item, s.item, fmt.Sprintf("%s[%d]", path, i))
		if !ok {
			v = reflect.Zero(s.item.typ).Interface() // keeps the numbers of the others
		}
		out = append(out, v)
	}
	return out, true
}

// scalar converts by the tag that YAML 1.2 gives to the text as it stands: "on" is
// a string, 12 is no string.
func scalar(n *yaml.Node, k kind) (any, error) {
	tag := n.ShortTag()
	switch k {
	case kindBool:
		if tag == "!!bool" {
			return n.Value == "true" || n.Value == "True" || n.Value == "TRUE", nil
		}
	case kindInt:
		if tag == "!!int" {
			if i, err := strconv.Atoi(n.Value); err == nil {
				return i, nil
			}
		}
	case kindNumber:
		if tag == "!!int" || tag == "!!float" {
			if f, err := strconv.ParseFloat(n.Value, 64); err == nil {
				return f, nil
			}
		}
	case kindString:
		if tag == "!!str" {
			return n.Value, nil
		}
		return nil, fmt.Errorf("is %s; needs text, so write it in quotes: %q", what(n), n.Value)
	case kindText, kindDuration:
		return n.Value, nil
	case kindSection, kindList:
	}
	return nil, fmt.Errorf("is %s; needs %s", what(n), k.needs())
}

func (k kind) needs() string {
	switch k {
	case kindSection:
		return "a mapping"
	case kindBool:
		return "true or false"
	case kindInt:
		return "a whole number"
	case kindNumber:
		return "a number"
	case kindString, kindText:
		return "text"
	case kindDuration:
		return `a duration with its unit, for example "90s"`
	case kindList:
		return "a list"
	}
	return "a value"
}

// what names a value for a person.
func what(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	case yaml.ScalarNode, yaml.DocumentNode:
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!bool":
		return fmt.Sprintf("the truth value %s", n.Value)
	case "!!int", "!!float":
		return fmt.Sprintf("the number %s", n.Value)
	case "!!str":
		return fmt.Sprintf("the text %q", n.Value)
	}
	return fmt.Sprintf("%q of the type %s", n.Value, n.ShortTag())
}

// isNumber reports whether a duration was given without a unit.
func isNumber(s string) bool {
	_, err := strconv.ParseFloat(s, 64)
	return err == nil
}
