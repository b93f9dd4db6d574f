package avcodec

import (
	"image"
	"time"
)

// given are the pictures that an encoder may still have: it gives them back by their
// time.
type given struct {
	ones [8]one
	n    int
}

type one struct {
	pts      int64
	captured time.Duration
	look     look
}

func (g *given) add(pts int64, captured time.Duration, img *image.YCbCr, looked bool) {
	o := &g.ones[g.n%len(g.ones)]
	g.n++
	o.pts, o.captured = pts, captured
	if looked {
		o.look = lookAt(img)
	}
}

// of returns the picture of a time; nil: there was none.
func (g *given) of(pts int64) *one {
	for i := range min(g.n, len(g.ones)) {
		if g.ones[i].pts == pts {
			return &g.ones[i]
		}
	}
	return nil
}

// look is what a picture looks like from afar: means of each plane, in tiles.
type look [3][tiles * tiles]byte

const (
	tiles   = 12
	samples = 6 // in each direction of a tile
	// mostDifference is the mean difference of two looks of one picture. A coarse keyframe
	// has 1 or 2; a green one, or one with lines of another length, 20 and more.
	mostDifference = 10
)

func lookAt(img *image.YCbCr) (l look) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	plane := func(to *[tiles * tiles]byte, p []byte, stride, w, h int) {
		for t := range to {
			sum := 0
			for s := range samples * samples {
				x := (t%tiles*samples + s%samples) * w / (tiles * samples)
				y := (t/tiles*samples + s/samples) * h / (tiles * samples)
				sum += int(p[y*stride+x])
			}
			to[t] = byte(sum / (samples * samples))
		}
	}
	plane(&l[0], img.Y, img.YStride, w, h)
	plane(&l[1], img.Cb, img.CStride, w/2, h/2)
	plane(&l[2], img.Cr, img.CStride, w/2, h/2)
	return l
}

// like says whether two pictures can be the same: no plane differs much.
func (l *look) like(other look) bool {
	for p := range l {
		sum := 0
		for t := range l[p] {
			d := int(l[p][t]) - int(other[p][t])
			sum += max(d, -d)
		}
		if sum > mostDifference*tiles*tiles {
			return false
		}
	}
	return true
}
