package media

import (
	"slices"
	"testing"
	"time"
)

func TestLossFollower(t *testing.T) {
	var told []int
	f := lossFollower{set: func(p int) error { told = append(told, p); return nil }}
	now := time.Duration(0)
	for _, loss := range []float64{0, 0.01, 0.05, 0.06, 0.12, 0.9, 0.02, 0} {
		for range 100 {
			f.follow(now, loss)
			now += 20 * time.Millisecond
		}
	}
	if want := []int{2, 5, 12, 30, 2}; !slices.Equal(told, want) {
		t.Errorf("the encoder was told %v %%, want %v", told, want)
	}
}
