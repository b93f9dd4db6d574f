package key

import "testing"

func TestParse(t *testing.T) {
	for text, want := range map[string]Code{
		"KEY_ESC": 1, "KEY_ENTER": 28, "KEY_PHONE": 0xa9, "BTN_LEFT": 0x110, "BTN_A": 0x130, "KEY_PICKUP_PHONE": 0x1bd,
		"28": 28, "0x1c": 28, "767": 767, "0x2ff": Max,
	} {
		if got, ok := Parse(text); !ok || got != want {
			t.Errorf("%s = %d, %v; want %d", text, got, ok, want)
		}
	}
	for _, bad := range []string{"", "0", "768", "0x300", "-1", "1.5", "ENTER", "key_enter", "KEY_ENTR", " KEY_ENTER", "KEY_MAX", "KEY_RESERVED"} {
		if got, ok := Parse(bad); ok {
			t.Errorf("%q = %d", bad, got)
		}
	}
}

// TestNames: every name can be read, and what is shown can be read again.
func TestNames(t *testing.T) {
	last := Code(0)
	for _, name := range Names() {
		code, ok := Parse(name)
		if !ok || code < last {
			t.Errorf("%s = %d, %v after %d", name, code, ok, last)
		}
		last = code
		if again, ok := Parse(code.String()); !ok || again != code {
			t.Errorf("%s is shown as %v, which is %d, %v", name, code, again, ok)
		}
	}
	if n := len(Names()); n < 600 {
		t.Errorf("%d names; want those of linux/input-event-codes.h", n)
	}
	if got := Code(28).String(); got != "KEY_ENTER" {
		t.Errorf("28 is shown as %s", got)
	}
	if got := Code(0x2fe).String(); got != "766" {
		t.Errorf("a key without a name is shown as %s", got)
	}
}

func TestFull(t *testing.T) {
	for short, want := range map[string]string{"enter": "KEY_ENTER", "ENTER": "KEY_ENTER", "left": "KEY_LEFT", "Trigger": "BTN_TRIGGER", "KEY_ENTER": "", "": ""} {
		if got := Full(short); got != want {
			t.Errorf("Full(%q) = %q, want %q", short, got, want)
		}
	}
}
