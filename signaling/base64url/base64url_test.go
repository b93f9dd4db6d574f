package base64url

import (
	"errors"
	"testing"
)

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"padding":             "QQ==",
		"standard alphabet":   "+/+/",
		"line feed":           "QUJD\nREVG",
		"carriage return":     "QUJD\rREVG",
		"trailing line break": "QUJD\r\n",
		"bits behind the end": "QR",
		"lone character":      "QUJDR",
		"space":               "QUJD ",
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := Decode(text); !errors.Is(err, ErrNotCanonical) {
				t.Errorf("Decode(%q) = %q, %v; want ErrNotCanonical", text, p, err)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"", "QQ", "QR", "QUJD", "_-_-", "QUJD\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := Decode(s); err == nil && Encode(p) != s {
			t.Errorf("Decode(%q) accepts a second spelling of %q", s, Encode(p))
		}
	})
}
