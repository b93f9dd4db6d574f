package virtual

import (
	"image"
	"time"
)

// The geometry of the time stamp, in fractions of the picture, so that it
// survives scaling and can be read from a canvas: the top twelfth of the picture
// holds stampRows rows of stampColumns cells each. The cell in row r and column
// c reaches from c/32 to (c+1)/32 of the width and from r/24 to (r+1)/24 of the
// height. A white cell is 1, a black one 0. The cells hold 64 bits, the most
// significant first, row by row: 48 bits of time in microseconds on the boot
// clock, then their CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF, nothing
// reflected) over the six bytes of the time, the most significant byte first.
//
// To read it, take the mean brightness of the middle half of each cell (in width
// and in height), put the threshold half-way between the darkest and the
// brightest cell, and check the CRC.
const (
	stampRows    = 2
	stampColumns = 32
	stampParts   = 24 // of the height that one row is high
)

// Black and white of BT.601 video, which a browser shows as 0 and 255.
const (
	black = 16
	white = 235
)

// minContrast is the least distance of the darkest from the brightest cell: a
// picture without a stamp is often evener than that.
const minContrast = 48

// Stamp paints at into the top twelfth of m, which is 4:2:0 and at least 64
// pixels wide and high. The microseconds since boot are kept modulo 2^48 (almost
// nine years).
func Stamp(m *image.YCbCr, at time.Duration) {
	bits := stampBits(at)
	for r := range stampRows {
		for c := range stampColumns {
			value := byte(black)
			if bits>>(63-(r*stampColumns+c))&1 == 1 {
				value = white
			}
			cell := stampCell(m.Rect, r, c)
			for y := cell.Min.Y; y < cell.Max.Y; y++ {
				fill(m.Y[m.YOffset(cell.Min.X, y):][:cell.Dx()], value)
			}
		}
	}
	bottom := stampCell(m.Rect, stampRows, 0).Min.Y
	for y := m.Rect.Min.Y; y < bottom; y += 2 {
		at, n := m.COffset(m.Rect.Min.X, y), (m.Rect.Dx()+1)/2
		fill(m.Cb[at:][:n], 128)
		fill(m.Cr[at:][:n], 128)
	}
}

// ReadStamp returns the time that Stamp painted into m, which may have been
// scaled, cut at no side, and coded in between. false means that the CRC is
// wrong or that there is no stamp.
func ReadStamp(m *image.YCbCr) (time.Duration, bool) {
	if m.Rect.Dx() < stampColumns || m.Rect.Dy() < stampParts {
		return 0, false
	}
	var level [stampRows * stampColumns]int
	darkest, brightest := 255, 0
	for i := range level {
		cell := stampCell(m.Rect, i/stampColumns, i%stampColumns)
		// A quarter off each side, at least one pixel left.
		in := cell.Inset(0)
		in.Min.X, in.Max.X = cell.Min.X+cell.Dx()/4, max(cell.Max.X-cell.Dx()/4, cell.Min.X+cell.Dx()/4+1)
		in.Min.Y, in.Max.Y = cell.Min.Y+cell.Dy()/4, max(cell.Max.Y-cell.Dy()/4, cell.Min.Y+cell.Dy()/4+1)
		sum := 0
		for y := in.Min.Y; y < in.Max.Y; y++ {
			for _, v := range m.Y[m.YOffset(in.Min.X, y):][:in.Dx()] {
				sum += int(v)
			}
		}
		level[i] = sum / (in.Dx() * in.Dy())
		darkest, brightest = min(darkest, level[i]), max(brightest, level[i])
	}
	if brightest-darkest < minContrast {
		return 0, false
	}
	var bits uint64
	for _, v := range level {
		bits <<= 1
		if v > (darkest+brightest)/2 {
			bits |= 1
		}
	}
	at := time.Duration(bits>>16) * time.Microsecond
	return at, stampBits(at) == bits
}

// stampCell returns the pixels of a cell.
func stampCell(r image.Rectangle, row, column int) image.Rectangle {
	w, h := r.Dx(), r.Dy()
	return image.Rect(column*w/stampColumns, row*h/stampParts, (column+1)*w/stampColumns, (row+1)*h/stampParts).Add(r.Min)
}

func stampBits(at time.Duration) uint64 {
	us := uint64(at.Microseconds()) & (1<<48 - 1)
	crc := uint16(0xFFFF)
	for i := 40; i >= 0; i -= 8 {
		crc ^= uint16(us>>i&0xFF) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return us<<16 | uint64(crc)
}

func fill(p []byte, v byte) {
	for i := range p {
		p[i] = v
	}
}
