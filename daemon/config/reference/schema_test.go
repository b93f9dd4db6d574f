package reference

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"testing"

	"go.yaml.in/yaml/v3"
)

// fits checks a value against the part of JSON Schema that the schema uses.
func fits(s map[string]any, v any) bool {
	if types, ok := s["type"].([]any); ok && !slices.ContainsFunc(types, func(t any) bool { return isA(t, v) }) {
		return false
	}
	if n, ok := v.(int); ok && s["enum"] != nil {
		v = float64(n) // as JSON's numbers are
	}
	if words, ok := s["enum"].([]any); ok && !slices.Contains(words, v) {
		return false
	}
	if pattern, ok := s["pattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(v.(string)) {
		return false
	}
	switch v := v.(type) {
	case map[string]any:
		properties := s["properties"].(map[string]any)
		for key, value := range v {
			if sub, known := properties[key]; !known || !fits(sub.(map[string]any), value) {
				return false
			}
		}
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !fits(s["items"].(map[string]any), item) })
	}
	return true
}

func isA(name, v any) bool {
	switch v := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case int:
		return name == "integer" || name == "number"
	case float64:
		return name == "number"
	case map[string]any:
		return name == "object"
	case []any:
		return name == "array"
	default:
		panic(v)
	}
}

func parsed(t *testing.T, r *Reference) (s map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Schema()), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func yamlOf(t *testing.T, text string) (v any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchema: what the loader takes, the schema takes, and what is of a wrong form
// both refuse.
func TestSchema(t *testing.T) {
	r := read(t)
	s := parsed(t, r)
	demo, err := os.ReadFile("../../../packaging/examples/demo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		text string
		good bool
	}{
		"the example":               {r.Example(), true},
		"the manual's example":      {manualExample, true},
		"the demo":                  {string(demo), true},
		"nothing in a section":      {"call:\n", true},
		"days":                      {"records: {keep_for: 1d12h}", true},
		"a word":                    {"call: {answer: auto}", true},
		"a line by its number":      {"hal: {light: {name: gpio, gpio: {chip: gpiochip0, line: 17}}}", true},
		"an unknown section":        {"cal: {}", false},
		"an unknown key":            {"call: {ring: 60s}", false},
		"an unknown key of an item": {"policy: {groups: [{name: x, hour: [\"08:00-09:00\"]}]}", false},
		"another word":              {"call: {answer: maybe}", false},
		"another word in a list":    {"policy: {default: {rights: [call, all]}}", false},
		"no unit":                   {"call: {ring_timeout: 90}", false},
		"no limit":                  {"call: {max_duration: none}", true},
		"a limit without a unit":    {"call: {max_duration: 10}", false},
		"a truth for a limit":       {"call: {max_duration: true}", false},
		"a rate without a unit":     {"media: {video_bitrate: 800}", false},
		"a rate of another unit":    {"media: {video_bitrate: 800kbps}", false},
		"a rate with a fraction":    {"media: {video_bitrate: 1.5Mbit}", true},
		"a size of one number":      {"hal: {camera: {size: 720}}", false},
		"a size":                    {"hal: {camera: {size: 640x480}}", true},
		"a rotation by its number":  {"hal: {camera: {rotate: 90}}", true},
		"a rotation as a text":      {"hal: {camera: {rotate: \"90\"}}", true},
		"a rotation of no quarter":  {"hal: {camera: {rotate: 45}}", false},
		"a window":                  {"policy: {do_not_disturb: [\"Mon-Fri 22:00-07:00\", \"Sat,Sun 21:30-24:00\", \"00:00-24:00\"]}", true},
		"a window without its end":  {"policy: {do_not_disturb: [\"22:00\"]}", false},
		"a number for a window":     {"policy: {do_not_disturb: [22]}", false},
		"a time zone":               {"policy: {time_zone: Europe/Berlin}", true},
		"a truth for a time zone":   {"policy: {time_zone: true}", false},
		"a wrong unit":              {"call: {ring_timeout: 90x}", false},
		"text for a truth":          {"signaling: {announce: \"yes\"}", false},
		"a truth for a text":        {"device: {name: true}", false},
		"a text for a number":       {"records: {keep: many}", false},
		"a text for a list":         {"policy: {do_not_disturb: 22:00-07:00}", false},
		"a list for a section":      {"device: [1]", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := fits(s, yamlOf(t, tt.text)); got != tt.good {
				t.Errorf("the schema takes it: %v", got)
			}
			if _, err := load(t, tt.text); (err == nil) != tt.good {
				t.Errorf("the loader says %v", err)
			}
		})
	}
}
