package haltest

import (
	"testing"

	"callbox/hal"
)

// Light checks a light that works; lit looks at it from outside.
func Light(t *testing.T, light hal.Light, lit func() bool) {
	t.Helper()
	if light.Name() == "" {
		t.Error("the light has no name")
	}
	for range 2 { // Close lets go; Set takes the light again
		for _, on := range []bool{false, true, true, false, true} {
			if err := light.Set(on); err != nil || lit() != on {
				t.Errorf("Set(%v) = %v, and it is %v", on, err, lit())
			}
			if got, err := light.Lit(); err != nil || got != on || lit() != on {
				t.Errorf("after Set(%v) Lit = %v, %v, and it is %v", on, got, err, lit())
			}
		}
		if err := light.Set(false); err != nil || lit() {
			t.Errorf("Set(false) = %v, and it is %v", err, lit())
		}
		for range 2 {
			if err := light.Close(); err != nil {
				t.Errorf("Close = %v", err)
			}
		}
	}
}
