package config

import (
	"encoding"
	"reflect"
	"regexp"
	"strings"
)

// Form is what a text with rules of its own looks like in the file.
type Form struct {
	// Words are the allowed values of a text that is one of a few words.
	Words []string
	// Pattern is a regular expression that each good text matches; "" is any.
	Pattern string
	// Number and Truth say that YAML's numbers, true and false are taken for such a text.
	Number, Truth bool
}

// formOf asks a type what it takes. A type whose texts have a form tells it by a method
// Pattern.
func formOf(t reflect.Type) Form {
	u, ok := reflect.New(t).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return Form{}
	}
	takes := func(text string) bool { return u.UnmarshalText([]byte(text)) == nil }
	f := Form{Words: allowedWords(u), Number: takes("17"), Truth: takes("true")}
	if p, ok := u.(interface{ Pattern() string }); ok {
		f.Pattern = p.Pattern()
	}
	return f
}

// allowedWords asks a type that takes one of a few words for them: each such type
// names them when it refuses another.
func allowedWords(u encoding.TextUnmarshaler) []string {
	err := u.UnmarshalText([]byte("\x00"))
	if err == nil {
		return nil
	}
	if m := wordList.FindStringSubmatch(err.Error()); m != nil {
		return strings.Split(m[1], ", ")
	}
	return nil
}

// wordList is the end of such a refusal.
var wordList = regexp.MustCompile(`allowed: (\w+(?:, \w+)+)$`)
