package store

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// SelftestName stands in the records for the phone inside callboxctl selftest. No contact
// gets that name.
const SelftestName = "selftest"

// maxName is the longest name in code points (docs/protocol.md, "Message").
const maxName = 64

// cleanName makes a name that a phone gave fit to be shown: no control or format
// characters (which could turn the text around or hide it), single spaces, at
// most maxName code points. What is left of nothing is "Phone".
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError || unicode.In(r, unicode.Cf, unicode.Co, unicode.Cs):
			return -1
		case unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Z):
			return ' '
		}
		return r
	}, norm.NFC.String(strings.ToValidUTF8(name, "")))
	name = cut(strings.Join(strings.Fields(name), " "), maxName)
	if name == "" {
		return "Phone"
	}
	return name
}

// checkName refuses a name that a person typed and that cleanName would change.
func checkName(name string) error {
	if name == "" || cleanName(name) != norm.NFC.String(name) {
		return fmt.Errorf("%w: %q; allowed: 1 to %d characters, none of them invisible, no spaces at the ends", ErrName, name, maxName)
	}
	return nil
}

// freeName gives name a number when it is taken: "Anna", "Anna 2", "Anna 3".
func freeName(name string, taken func(string) bool) string {
	for n, try := 1, name; ; try = cut(name, maxName-len(strconv.Itoa(n))-1) + " " + strconv.Itoa(n) {
		if !taken(try) {
			return try
		}
		n++
	}
}

// sameName reports whether people would take two names for one: letter case,
// width and the like do not count.
func sameName(a, b string) bool {
	if ascii(a) && ascii(b) { // the same answer, 100 times as fast
		return strings.EqualFold(a, b)
	}
	fold := func(s string) string { return cases.Fold().String(norm.NFKC.String(s)) }
	return fold(a) == fold(b)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// cut shortens s to n code points.
func cut(s string, n int) string {
	for i := range s {
		if n == 0 {
			return strings.TrimSpace(s[:i])
		}
		n--
	}
	return s
}
