// Package key knows the keys of Linux input devices by name and by number
// (linux/input-event-codes.h): KEY_ENTER is 28. BTN_ names are keys, too.
package key

import (
	"strconv"
	"strings"
)

// Max is the highest number that a key can have.
const Max Code = 0x2ff

// Code is the number of a key, from 1 to Max.
type Code uint16

type named struct {
	name string
	code Code
}

// Parse reads a name, exactly as it is written there, or a number: decimal, or
// hexadecimal after 0x. ok is false for anything else.
func Parse(text string) (code Code, ok bool) {
	if n, err := strconv.ParseUint(text, 0, 16); err == nil {
		return Code(n), n > 0 && Code(n) <= Max
	}
	for _, k := range names {
		if k.name == text {
			return k.code, true
		}
	}
	return 0, false
}

// String returns the name, or the number of a key that has none.
func (c Code) String() string {
	for _, k := range names {
		if k.code == c {
			return k.name
		}
	}
	return strconv.Itoa(int(c))
}

// Names returns all names.
func Names() []string {
	all := make([]string, len(names))
	for i, k := range names {
		all[i] = k.name
	}
	return all
}

// Full returns the name that was meant by one without its KEY_ or BTN_, in
// capitals or not: "enter" gives KEY_ENTER. It returns "" when there is none.
func Full(short string) string {
	for _, prefix := range []string{"KEY_", "BTN_"} {
		full := prefix + strings.ToUpper(strings.TrimSpace(short))
		if _, ok := Parse(full); ok {
			return full
		}
	}
	return ""
}
