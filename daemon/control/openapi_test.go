package control_test

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"callbox/daemon/control"
)

var update = flag.Bool("update", false, "rewrite docs/openapi.yaml and the tables of docs/api.md")

// example is a request of a route that succeeds.
type example struct{ query, body string }

// examples are one a route, by method and path; those that need nothing are not in
// it. They stand in the description, and the test sends them.
var examples = map[string]example{
	"POST /v1/call":                  {"", `{"to": ["Anna", "group:family"], "mode": "inTurn", "timeLimit": 600, "idempotencyKey": "door-17"}`},
	"POST /v1/call/answer":           {"", `{"roomId": "kR3v9"}`},
	"POST /v1/call/reject":           {"", `{"roomId": "kR3v9"}`},
	"POST /v1/call/hangup":           {"", `{"groupId": "kR3v9"}`},
	"POST /v1/call/microphone":       {"", `{"on": false}`},
	"POST /v1/call/camera":           {"", `{"on": true}`},
	"POST /v1/call/camera/switch":    {"", `{"camera": "Yard"}`},
	"POST /v1/call/data":             {"", `{"payload": {"light": "on"}}`},
	"POST /v1/call/data/answer":      {"", `{"id": "Zm9v"}`},
	"GET /v1/calls":                  {"?since=2026-11-24T00:00:00Z&cause=hangup&limit=100", ""},
	"PUT /v1/dnd":                    {"", `{"on": true, "until": "2099-01-01T07:00:00+01:00"}`},
	"POST /v1/contacts":              {"", `{"name": "Anna", "jwk": {"kty": "EC", "crv": "P-256", "x": "f83O…", "y": "x_FE…"}, "rights": ["call"]}`},
	"PATCH /v1/contacts/{id}":        {"", `{"name": "Anna's phone", "rights": null, "hours": ["Mon-Fri 08:00-20:00"]}`},
	"POST /v1/contacts/{id}/replace": {"", `{"jwk": {"kty": "EC", "crv": "P-256", "x": "f83O…", "y": "x_FE…"}}`},
	"DELETE /v1/contacts/{id}":       {"?forget=true", ""},
	"POST /v1/pair":                  {"", `{"name": "Anna", "rights": ["call", "unlock"], "seconds": 600}`},
	"GET /v1/policy/explain":         {"?contact=Anna&at=2026-11-24T22:00:00Z", ""},
	"POST /v1/issuers/deny":          {"", `{"issuer": "https://maker.example", "subject": "user-17"}`},
	"POST /v1/issuers/allow":         {"", `{"issuer": "https://maker.example", "subject": "user-17"}`},
	"POST /v1/relay":                 {"", `{"from": "p.NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "message": "eyJhbGciOiJFUzI1NiIs…"}`},
	"POST /v1/selftest":              {"", `{"jwk": {"kty": "EC", "crv": "P-256", "x": "f83O…", "y": "x_FE…"}, "seconds": 10}`},
	"PUT /v1/volume":                 {"", `{"percent": 40}`},
	"GET /v1/events":                 {"?after=17", ""},
}

// nullable are the members that may be null though they are always there.
var nullable = []string{"BugReport.status", "BugReport.clock", "BugReport.devices", "Contact.rights"}

// bounds are how many items the lists of requests may have.
var bounds = map[string][2]int{"CallRequest.to": {1, control.MaxPhones}}

type object = map[string]any

// describe makes the description of the API from its table and its types.
func describe(t *testing.T) []byte {
	t.Helper()
	d := &describer{t: t, schemas: object{}, comments: comments(t)}
	paths := object{}
	for _, r := range control.Routes() {
		path, _ := paths[r.Path()].(object)
		if path == nil {
			path = object{}
			paths[r.Path()] = path
		}
		path[strings.ToLower(r.Method())] = d.operation(r)
	}
	events := object{}
	for _, e := range control.EventTypes() {
		entry := object{"description": e.Meaning}
		if e.Payload != nil {
			entry["data"] = d.schema(reflect.TypeOf(e.Payload), false)
		}
		events[e.Name] = entry
	}
	d.schema(reflect.TypeFor[control.Event](), false)
	d.schema(reflect.TypeFor[control.RelayOut](), false)      // of GET /v1/relay
	d.schema(reflect.TypeFor[control.SelftestTerms](), false) // of POST /v1/selftest
	d.schemas["ErrorAnswer"] = object{"type": "object", "required": []string{"error"}, "properties": object{"error": d.schema(reflect.TypeFor[control.Error](), false)}}
	doc := struct {
		OpenAPI    string   `yaml:"openapi"`
		Info       object   `yaml:"info"`
		Servers    []object `yaml:"servers"`
		Paths      object   `yaml:"paths"`
		Events     object   `yaml:"x-events"`
		Components object   `yaml:"components"`
	}{
		"3.1.0",
		object{"title": "callbox", "version": "1", "license": object{"name": "see LICENSE"}, "description": "The local API of callboxd, on the Unix socket /run/callbox/control.sock. docs/api.md is the manual.\n" +
			"Made from the server's table of routes by: go test ./daemon/control -run TestOpenAPI -update"},
		[]object{{"url": "http://callbox", "description": "over the Unix socket: curl --unix-socket /run/callbox/control.sock http://callbox/v1/status"}},
		paths, events, object{"schemas": d.schemas},
	}
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

type describer struct {
	t        *testing.T
	schemas  object
	comments map[string]string // "Type" and "Type.member"
}

func (d *describer) operation(r control.Route) object {
	key := r.Method() + " " + r.Path()
	op := object{
		"summary": r.Summary(), "operationId": operationID(r), "x-access": r.Access(),
		"responses": d.responses(r),
	}
	var parameters []object
	if strings.Contains(r.Path(), "{id}") {
		parameters = append(parameters, object{"name": "id", "in": "path", "required": true, "schema": object{"type": "string"}, "description": "a name or a thumbprint"})
	}
	for _, p := range r.Query() {
		schema := object{"type": p.Format()}
		if p.Format() == "date-time" {
			schema = object{"type": "string", "format": "date-time"}
		}
		parameters = append(parameters, object{"name": p.Name(), "in": p.In(), "schema": schema, "description": p.Meaning()})
	}
	if parameters != nil {
		op["parameters"] = parameters
	}
	if body, _ := r.Endpoint().Types(); body != nil {
		content := object{"schema": d.schema(body, true)}
		var sample any
		if err := yaml.Unmarshal([]byte(examples[key].body), &sample); err != nil || sample == nil {
			d.t.Errorf("%s has no example: %v", key, err)
		}
		content["example"] = sample
		op["requestBody"] = object{"content": object{"application/json": content}}
	}
	return op
}

// operationID is the method and the words of the path: postCallAnswer.
func operationID(r control.Route) string {
	id := strings.ToLower(r.Method())
	for word := range strings.SplitSeq(strings.TrimPrefix(r.Path(), "/v1/"), "/") {
		word = strings.Trim(word, "{}")
		id += strings.ToUpper(word[:1]) + word[1:]
	}
	return id
}

// responses are 200 and every error that the route can answer, by status.
func (d *describer) responses(r control.Route) object {
	var content object
	_, answer := r.Endpoint().Types()
	switch {
	case answer != nil:
		content = object{"schema": d.schema(answer, false)}
	case r.Endpoint().Produces() == "text/event-stream":
		content = object{"schema": object{"type": "string", "description": "each field data is an Event; x-events lists them"}}
	case !strings.HasPrefix(r.Endpoint().Produces(), "text/"):
		content = object{"schema": object{"type": "string", "contentMediaType": r.Endpoint().Produces()}}
	default:
		content = object{"schema": object{"type": "string"}}
	}
	out := object{"200": object{"description": "done", "content": object{r.Endpoint().Produces(): content}}}
	byStatus := map[int][]string{}
	for _, e := range documented(r) {
		status := control.Statuses[e.Code]
		byStatus[status] = append(byStatus[status], e.Code)
	}
	for status, codes := range byStatus {
		out[strconv.Itoa(status)] = object{
			"description": strings.Join(codes, ", "),
			"content":     object{"application/json": object{"schema": object{"$ref": "#/components/schemas/ErrorAnswer"}}},
		}
	}
	return out
}

// documented are the errors that a route can answer.
func documented(r control.Route) []*control.Error {
	errs := slices.Clone(r.Errors())
	body, _ := r.Endpoint().Types()
	for _, e := range control.CommonErrors {
		ofBody := slices.Contains([]int{http.StatusRequestEntityTooLarge, http.StatusRequestTimeout, http.StatusUnsupportedMediaType}, control.Statuses[e.Code])
		ofBackend := e == control.ErrStuck || e == control.ErrInternal
		if ofBody && body == nil || ofBackend && !r.CanFail() {
			continue
		}
		errs = append(errs, e)
	}
	return errs
}

// schema describes a type; structs get a name. of a request, pointers only tell
// whether a member is there.
func (d *describer) schema(t reflect.Type, request bool) object {
	if known := known(t); known != nil {
		return known
	}
	switch t.Kind() {
	case reflect.Pointer:
		return d.schema(t.Elem(), request)
	case reflect.Slice:
		return object{"type": "array", "items": d.schema(t.Elem(), request)}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": d.schema(t.Elem(), request)}
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Int, reflect.Uint64:
		return object{"type": "integer"}
	case reflect.Float64:
		return object{"type": "number"}
	case reflect.Struct:
		if strings.HasPrefix(t.Name(), "Member[") {
			return orNull(d.schema(t.Field(2).Type, request))
		}
		return d.object(t, request)
	default:
		d.t.Fatalf("cannot describe a %v", t)
		return nil
	}
}

func (d *describer) object(t reflect.Type, request bool) object {
	name := strings.ToUpper(t.Name()[:1]) + t.Name()[1:]
	ref := object{"$ref": "#/components/schemas/" + name}
	if d.schemas[name] != nil {
		return ref
	}
	s := object{"type": "object"}
	d.schemas[name] = s
	if text := d.comments[t.Name()]; text != "" {
		s["description"] = text
	}
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		member, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := maps.Clone(d.schema(f.Type, request))
		if slices.Contains(nullable, t.Name()+"."+member) {
			p = orNull(p)
		}
		if items, ok := bounds[t.Name()+"."+member]; ok {
			p["minItems"], p["maxItems"] = items[0], items[1]
		}
		if text := d.comments[t.Name()+"."+f.Name]; text != "" {
			p["description"] = text
		}
		properties[member] = p
		if options != "omitzero" {
			required = append(required, member)
		}
	}
	if len(properties) > 0 {
		s["properties"] = properties
	}
	if len(required) > 0 {
		s["required"] = required
	}
	return ref
}

func orNull(s object) object {
	if s["$ref"] != nil {
		return object{"anyOf": []object{s, {"type": "null"}}}
	}
	s = maps.Clone(s)
	s["type"] = []string{s["type"].(string), "null"}
	return s
}

// comments are those of the package's types and their members.
func comments(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || decl.Tok != token.TYPE {
				return true
			}
			for _, spec := range decl.Specs {
				spec := spec.(*ast.TypeSpec)
				out[spec.Name.Name] = oneLine(decl.Doc.Text())
				if s, ok := spec.Type.(*ast.StructType); ok {
					for _, f := range s.Fields.List {
						for _, name := range f.Names {
							out[spec.Name.Name+"."+name.Name] = oneLine(f.Comment.Text())
						}
					}
				}
			}
			return true
		})
	}
	return out
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// TestOpenAPI holds docs/openapi.yaml to the table of routes.
func TestOpenAPI(t *testing.T) {
	held(t, filepath.Join("..", "..", "docs", "openapi.yaml"), func(string) string { return string(describe(t)) })
}

// held compares a file with what it should be, and rewrites it with -update.
func held(t *testing.T, path string, make func(now string) string) {
	t.Helper()
	now, err := os.ReadFile(path)
	if err != nil && !*update {
		t.Fatal(err)
	}
	want := make(string(now))
	if want == string(now) {
		return
	}
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s is not what the code says; -update rewrites it\n%s", path, firstDifference(string(now), want))
}

func firstDifference(a, b string) string {
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return fmt.Sprintf("line %d is\n%s\nand should be\n%s", i+1, x[i], y[i])
		}
	}
	return fmt.Sprintf("it has %d lines and should have %d", len(x), len(y))
}
