package v4l2

// gaps finds the pictures that a driver has left out, by the numbers of those that it
// gives (V4L2, "struct v4l2_buffer", sequence).
type gaps struct {
	last  uint32
	known bool // there was one before
	// counts is whether the driver has counted by one. Some leave the number at 0, and
	// one that counts in other steps would have left out a picture before each.
	counts bool
}

// before returns how many pictures are missing before the one with a number.
func (g *gaps) before(sequence uint32) uint32 {
	step := sequence - g.last
	first := !g.known
	g.last, g.known = sequence, true
	switch {
	case first:
		return 0
	case step == 1:
		g.counts = true
		return 0
	case !g.counts || step == 0 || step > largestGap:
		return 0 // a driver that began anew is none with a gap
	}
	return step - 1
}

// largestGap is some minutes of pictures: more is another count.
const largestGap = 1 << 14
