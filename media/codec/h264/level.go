package h264

// levels are the limits of table A-1 from the first that a camera meets: macroblocks
// a second, macroblocks of a frame, kbit/s.
var levels = []struct {
	level            byte
	rate, size, kbit int
}{
	{10, 1485, 99, 64}, {11, 3000, 396, 192}, {12, 6000, 396, 384}, {13, 11880, 396, 768},
	{20, 11880, 396, 2000}, {21, 19800, 792, 4000}, {22, 20250, 1620, 4000}, {30, 40500, 1620, 10000},
	{31, 108000, 3600, 14000}, {32, 216000, 5120, 20000}, {40, 245760, 8192, 20000}, {42, 522240, 8704, 50000},
	{50, 589824, 22080, 135000}, {51, 983040, 36864, 240000}, {52, 2073600, 36864, 240000},
}

// Level is the lowest level, times ten, for pictures of width x height pixels at a
// frame rate and a bitrate in bit/s; the highest when none fits.
func Level(width, height int, frameRate float64, bitrate int) byte {
	size := ((width + 15) / 16) * ((height + 15) / 16)
	for _, l := range levels {
		// The longer side is bounded, too: the square root of eight times the size.
		long := max((width+15)/16, (height+15)/16)
		if size <= l.size && long*long <= 8*l.size && float64(size)*frameRate <= float64(l.rate) && bitrate <= 1000*l.kbit {
			return l.level
		}
	}
	return levels[len(levels)-1].level
}
