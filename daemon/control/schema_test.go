package control_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"callbox/signaling/cause"
)

// known describes the types that have a form of their own in JSON.
func known(t reflect.Type) object {
	switch t {
	case reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return object{} // anything
	case reflect.TypeFor[cause.Cause]():
		var words []string
		for _, e := range cause.Registry() {
			words = append(words, string(e.Cause))
		}
		return object{"type": "string", "enum": words}
	case reflect.TypeFor[cause.Origin]():
		return object{"type": "string", "enum": []string{"manual", "unloadCallPage", "forceFromApp", "other", "timeLimit"}}
	case reflect.TypeFor[cause.Detail]():
		return object{"type": "string", "enum": []string{"mediaLost", "deviceLost", "restarted", "revoked", "shutdown", "unreachable", "unknownRoom"}}
	}
	return nil
}

// validator checks JSON against the schemas of the description. It refuses members
// that a schema does not name: the server must not say more than is described.
type validator struct{ schemas object }

func (v *validator) check(schema object, value any, at string) error {
	if ref, ok := schema["$ref"].(string); ok {
		named, ok := v.schemas[strings.TrimPrefix(ref, "#/components/schemas/")].(object)
		if !ok {
			return fmt.Errorf("%s: there is no schema %s", at, ref)
		}
		return v.check(named, value, at)
	}
	if any, ok := schema["anyOf"].([]any); ok {
		var last error
		for _, one := range any {
			if last = v.check(one.(object), value, at); last == nil {
				return nil
			}
		}
		return last
	}
	if err := v.checkType(schema, value, at); err != nil {
		return err
	}
	switch value := value.(type) {
	case object:
		return v.checkObject(schema, value, at)
	case []any:
		items, _ := schema["items"].(object)
		for i, one := range value {
			if err := v.check(items, one, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case string:
		if words, ok := schema["enum"].([]any); ok && !slices.Contains(words, any(value)) {
			return fmt.Errorf("%s: %q is not one of %v", at, value, words)
		}
		if schema["format"] == "date-time" {
			if _, err := time.Parse(time.RFC3339, value); err != nil {
				return fmt.Errorf("%s: %w", at, err)
			}
		}
	}
	return nil
}

func (v *validator) checkType(schema object, value any, at string) error {
	types, ok := schema["type"].([]any)
	if !ok {
		if schema["type"] == nil {
			return nil
		}
		types = []any{schema["type"]}
	}
	is := "null"
	switch n := value.(type) {
	case object:
		is = "object"
	case []any:
		is = "array"
	case string:
		is = "string"
	case bool:
		is = "boolean"
	case float64:
		is = "number"
		if n == float64(int64(n)) && slices.Contains(types, any("integer")) {
			is = "integer"
		}
	}
	if !slices.Contains(types, any(is)) {
		return fmt.Errorf("%s: it is %s, not %v", at, is, types)
	}
	return nil
}

func (v *validator) checkObject(schema, value object, at string) error {
	if schema["type"] == nil {
		return nil // anything
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := value[name.(string)]; !ok {
			return fmt.Errorf("%s: %s is missing", at, name)
		}
	}
	properties, _ := schema["properties"].(object)
	rest, _ := schema["additionalProperties"].(object)
	for name, member := range value {
		described, ok := properties[name].(object)
		if !ok {
			described = rest
		}
		if described == nil {
			return fmt.Errorf("%s.%s: the description does not know it", at, name)
		}
		if err := v.check(described, member, at+"."+name); err != nil {
			return err
		}
	}
	return nil
}
