package hal

import "testing"

func TestSizeText(t *testing.T) {
	for in, want := range map[string]Size{"1280x720": {1280, 720}, "64x64": {64, 64}, "4096x2160": {4096, 2160}} {
		var s Size
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want {
			t.Errorf("%s = %v, %v; want %v", in, s, err, want)
		}
		if out, err := s.MarshalText(); err != nil || string(out) != in {
			t.Errorf("%v writes %s, %v; want %s", s, out, err, in)
		}
	}
	for _, bad := range []string{"", "1280", "1280x", "x720", "1280x721", "62x64", "64x4098", "1280x720x2", "1280 x 720", "-640x480"} {
		s := Size{1, 2}
		if err := s.UnmarshalText([]byte(bad)); err == nil || s != (Size{1, 2}) {
			t.Errorf("%q gives %v, %v", bad, s, err)
		}
	}
}
