package reference

import (
	"bytes"
	"encoding/json"
	"strconv"

	"callbox/daemon/config"
)

// schema is the part of JSON Schema (draft 7, which editors' YAML plug-ins speak)
// that the configuration needs.
type schema struct {
	Schema      string            `json:"$schema,omitempty"`
	ID          string            `json:"$id,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Type        []string          `json:"type,omitempty"`
	Enum        []any             `json:"enum,omitempty"`
	Pattern     string            `json:"pattern,omitempty"`
	Default     any               `json:"default,omitempty"`
	Items       *schema           `json:"items,omitempty"`
	Properties  map[string]schema `json:"properties,omitempty"`
	Additional  *bool             `json:"additionalProperties,omitempty"`
}

// Schema is the JSON schema of the file. It knows keys, types and words; what else
// must hold (ranges, what goes together) is said by callboxctl check.
func (r *Reference) Schema() string {
	root := r.section(r.Keys)
	root.Schema, root.ID = "http://json-schema.org/draft-07/schema#", "callbox.schema.json"
	root.Title = config.DefaultFile
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		panic("the schema cannot be written: " + err.Error()) // it is made of texts
	}
	return b.String()
}

func (r *Reference) section(keys []config.Key) schema {
	no := false
	s := schema{Type: []string{"object", "null"}, Properties: map[string]schema{}, Additional: &no} // null: all keys commented out
	for _, k := range keys {
		s.Properties[k.Name] = r.key(k)
	}
	return s
}

func (r *Reference) key(k config.Key) schema {
	s := value(k.Kind, k.Form)
	switch {
	case k.Kind == "section":
		s = r.section(k.Keys)
	case len(k.Keys) > 0:
		item := r.section(k.Keys)
		item.Type = []string{"object"}
		s.Items = &item
	case k.Kind == "list":
		item := value(k.Items, k.ItemForm)
		s.Items = &item
	}
	s.Description = r.about(k)
	if k.Kind != "list" && k.Default != "" {
		s.Default = k.Default
		switch k.Kind {
		case "bool", "int", "number":
			s.Default = json.RawMessage(k.Default)
		}
	}
	return s
}

func value(kind string, form config.Form) schema {
	switch kind {
	case "bool":
		return schema{Type: []string{"boolean"}}
	case "int":
		return schema{Type: []string{"integer"}}
	case "number":
		return schema{Type: []string{"number"}}
	case "duration":
		return schema{Type: []string{"string"}, Pattern: config.DurationPattern}
	case "list":
		return schema{Type: []string{"array"}}
	case "text":
		return text(form)
	}
	return schema{Type: []string{"string"}}
}

// text is a text with rules of its own. What YAML takes for a number or for a truth is
// one, too, where the type takes its digits or its word.
func text(form config.Form) schema {
	s := schema{Pattern: form.Pattern}
	for _, word := range form.Words {
		s.Enum = append(s.Enum, word)
		if _, err := strconv.Atoi(word); err == nil {
			s.Enum = append(s.Enum, json.Number(word))
		}
	}
	if s.Enum != nil {
		return s
	}
	s.Type = []string{"string"}
	if form.Number {
		s.Type = append(s.Type, "number")
	}
	if form.Truth {
		s.Type = append(s.Type, "boolean")
	}
	return s
}
