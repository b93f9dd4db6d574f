package avcodec

import (
	"errors"
	"fmt"
	"image"
	"slices"
	"time"

	"callbox/media/codec/picture"
)

// Proof is what was measured of an encoder.
type Proof struct {
	Time time.Duration // that a picture takes, the lower quartile: the device may be busy with something else
	Held int           // pictures that it holds back
}

// ErrSlow means that an encoder works, and too slowly.
var ErrSlow = errors.New("the encoder is too slow")

const (
	probePictures = 24
	probeRequest  = 12 // the picture that is to be a keyframe
	mostHeld      = 2  // pictures: 66 ms at 30 a second, which people do not hear in a talk
	// worstPicture is the mean of the squares of the differences of the last picture, 22 dB:
	// hardware at its worst makes 30.
	worstPicture = 400
)

// Probe opens an encoder and really encodes some pictures: a keyframe must come at once
// and on request, the pictures must look as they were given, and each may take half of
// the time from one to the next. Errors: those of NewEncoder, ErrSlow.
func (l *Library) Probe(name string, p picture.Params, decode func() (picture.Decoder, error)) (Proof, error) {
	enc, err := l.NewEncoder(name, p, decode)
	if err != nil {
		return Proof{}, err
	}
	defer func() { _ = enc.Close() }() // never fails
	dec, err := decode()
	if err != nil {
		return Proof{}, fmt.Errorf("cannot look at what %s makes: %w", name, err)
	}
	defer func() { _ = dec.Close() }() // never fails
	b := &probe{name: name, enc: enc, dec: dec, gap: time.Duration(float64(time.Second) / p.FrameRate)}
	for n := range b.pictures {
		b.pictures[n] = pattern(p.Width, p.Height, n)
	}
	if err := b.run(); err != nil {
		return Proof{}, err
	}
	slices.Sort(b.took[:])
	proof := Proof{Time: b.took[len(b.took)/4], Held: b.held}
	switch {
	case b.made < probePictures-mostHeld:
		return proof, fmt.Errorf("cannot use %s: of %d pictures it made %d", name, probePictures, b.made)
	case b.held > mostHeld:
		return proof, fmt.Errorf("cannot use %s: %w: it holds %d pictures back; at most %d can be", name, ErrSlow, b.held, mostHeld)
	case proof.Time > b.gap/2:
		return proof, fmt.Errorf("cannot use %s: %w: a picture of %dx%d takes %d ms; at most %d can be",
			name, ErrSlow, p.Width, p.Height, proof.Time.Milliseconds(), (b.gap / 2).Milliseconds())
	}
	return proof, nil
}

type probe struct {
	name       string
	enc        *Encoder
	dec        picture.Decoder
	gap        time.Duration
	pictures   [4]*image.YCbCr
	made, held int
	took       [probePictures]time.Duration
}

func (b *probe) run() error {
	keys := 0
	for n := range probePictures {
		if n == probeRequest {
			if err := b.enc.ForceKeyFrame(); err != nil {
				return err
			}
		}
		at := time.Duration(n) * b.gap
		begin := time.Now()
		f, err := b.enc.Encode(b.pictures[n%len(b.pictures)], at)
		if err != nil {
			return err
		}
		b.took[n] = time.Since(begin)
		if len(f.Data) == 0 {
			continue
		}
		b.made++
		b.held = max(b.held, int((at-f.Captured+b.gap/2)/b.gap))
		if f.Key {
			keys++
		}
		if err := b.look(f); err != nil {
			return err
		}
	}
	if keys < 2 && b.made >= probePictures-mostHeld {
		return fmt.Errorf("cannot use %s: it makes no keyframe on request", b.name)
	}
	return nil
}

// look decodes a picture and compares it with the one that was given.
func (b *probe) look(f picture.Frame) error {
	img, err := b.dec.Decode(f.Data)
	if err != nil {
		return fmt.Errorf("cannot decode what %s makes: %w", b.name, err)
	}
	n := int((f.Captured + b.gap/2) / b.gap)
	if img == nil || n < probeRequest { // it may begin coarsely
		return nil
	}
	if d := difference(img, b.pictures[n%len(b.pictures)]); d > worstPicture {
		return fmt.Errorf("cannot use what %s makes: %w", b.name, errOther)
	}
	return nil
}

// pattern is a picture with slopes in all planes and bars that move with n.
func pattern(w, h, n int) *image.YCbCr {
	img := image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)
	for y := range h {
		row := img.Y[y*img.YStride:][:w]
		for x := range row {
			row[x] = byte(40 + 100*x/w + 60*y/h)
			if (x+y+8*n)/64%4 == 0 {
				row[x] += 40
			}
		}
	}
	for y := range h / 2 {
		for x := range w / 2 {
			img.Cb[y*img.CStride+x] = byte(64 + 128*2*x/w)
			img.Cr[y*img.CStride+x] = byte(64 + 128*2*y/h)
		}
	}
	return img
}

// difference is the mean of the squares of the differences, over all planes.
func difference(a, b *image.YCbCr) float64 {
	sum, n := 0, 0
	plane := func(a, b []byte, astride, bstride, w, h int) {
		for y := range h {
			for x := range w {
				d := int(a[y*astride+x]) - int(b[y*bstride+x])
				sum += d * d
			}
		}
		n += w * h
	}
	w, h := b.Rect.Dx(), b.Rect.Dy()
	plane(a.Y, b.Y, a.YStride, b.YStride, w, h)
	plane(a.Cb, b.Cb, a.CStride, b.CStride, w/2, h/2)
	plane(a.Cr, b.Cr, a.CStride, b.CStride, w/2, h/2)
	return float64(sum) / float64(n)
}
