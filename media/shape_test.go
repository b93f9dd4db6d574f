package media

import (
	"image"
	"testing"
)

func TestScaled(t *testing.T) {
	for _, tt := range [][2]image.Point{
		{{X: 1280, Y: 720}, {X: 960, Y: 540}}, {{X: 640, Y: 480}, {X: 480, Y: 360}},
		{{X: 322, Y: 242}, {X: 240, Y: 180}}, {{X: 16, Y: 16}, {X: 16, Y: 16}},
	} {
		if got := scaled(tt[0], 0.75); got != tt[1] {
			t.Errorf("%v becomes %v, want %v", tt[0], got, tt[1])
		}
	}
}
