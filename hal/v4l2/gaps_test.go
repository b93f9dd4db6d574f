package v4l2

import (
	"math"
	"slices"
	"testing"
)

func TestGaps(t *testing.T) {
	for name, tt := range map[string]struct{ numbers, want []uint32 }{
		"none":                     {[]uint32{5, 6, 7}, []uint32{0, 0, 0}},
		"the first is none":        {[]uint32{900, 901}, []uint32{0, 0}},
		"one and three":            {[]uint32{0, 1, 3, 4, 8}, []uint32{0, 0, 1, 0, 3}},
		"over the end":             {[]uint32{math.MaxUint32 - 1, math.MaxUint32, 1}, []uint32{0, 0, 1}},
		"a driver without numbers": {[]uint32{0, 0, 0}, []uint32{0, 0, 0}},
		"by twos, as of fields":    {[]uint32{0, 2, 4, 6}, []uint32{0, 0, 0, 0}},
		"it begins anew":           {[]uint32{70, 71, 0, 1, 3}, []uint32{0, 0, 0, 0, 1}},
		"another count":            {[]uint32{0, 1, 1 << 20, 1<<20 + 1}, []uint32{0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			var g gaps
			var got []uint32
			for _, n := range tt.numbers {
				got = append(got, g.before(n))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("missing before each: %v, want %v", got, tt.want)
			}
		})
	}
}
