package clock

import "testing"

func TestBootID(t *testing.T) {
	first, err := BootID()
	if err != nil {
		t.Fatal(err)
	}
	if second, _ := BootID(); len(first) != 36 || second != first {
		t.Errorf("boot ids %q and %q: want the same UUID twice", first, second)
	}
}
