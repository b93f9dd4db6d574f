package control_test

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"callbox/daemon/control"
)

// TestManual holds the tables of docs/api.md to the routes and the events.
func TestManual(t *testing.T) {
	held(t, filepath.Join("..", "..", "docs", "api.md"), func(now string) string {
		now = section(t, now, "routes", routeTable())
		now = section(t, now, "events", eventTable())
		return section(t, now, "errors", errorTable())
	})
}

// section replaces what stands between the two marks of name.
func section(t *testing.T, text, name, with string) string {
	t.Helper()
	begin, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("docs/api.md lacks the marks of %s", name)
	}
	return before + begin + with + end + after
}

func routeTable() string {
	var b strings.Builder
	b.WriteString("| request | access | body → answer | what it does |\n|---|---|---|---|\n")
	for _, r := range control.Routes() {
		body, answer := r.Endpoint().Types()
		gives := "`" + r.Endpoint().Produces() + "`"
		if answer != nil {
			gives = typeName(answer)
		}
		if body != nil {
			gives = typeName(body) + " → " + gives
		}
		path := r.Path()
		var query []string
		for _, p := range r.Query() {
			if p.In() == "query" {
				query = append(query, p.Name())
			}
		}
		if len(query) > 0 {
			path += "?" + strings.Join(query, "&")
		}
		fmt.Fprintf(&b, "| `%s %s` | %s | %s | %s |\n", r.Method(), path, r.Access(), gives, r.Summary())
	}
	return b.String()
}

func typeName(t reflect.Type) string {
	if t.Kind() == reflect.Slice {
		return "[" + typeName(t.Elem()) + "]"
	}
	return strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
}

func eventTable() string {
	var b strings.Builder
	b.WriteString("| event | data | meaning |\n|---|---|---|\n")
	for _, e := range control.EventTypes() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", e.Name, members(e.Payload), e.Meaning)
	}
	return b.String()
}

// members lists the members of a payload; a small one with all, the state by name.
func members(payload any) string {
	if payload == nil {
		return "–"
	}
	t := reflect.TypeOf(payload)
	if t.Name() == "Status" {
		return "Status"
	}
	var list []string
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if options == "omitzero" {
			name += "?"
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

func errorTable() string {
	byStatus := map[int][]string{}
	for code, status := range control.Statuses {
		byStatus[status] = append(byStatus[status], "`"+code+"`")
	}
	var statuses []int
	for status := range byStatus {
		statuses = append(statuses, status)
	}
	slices.Sort(statuses)
	var b strings.Builder
	b.WriteString("| status | codes |\n|---|---|\n")
	for _, status := range statuses {
		slices.Sort(byStatus[status])
		fmt.Fprintf(&b, "| %d | %s |\n", status, strings.Join(byStatus[status], ", "))
	}
	return b.String()
}
