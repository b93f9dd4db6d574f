//go:build e2e && bench

package e2e

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"testing"
	"testing/synctest"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/virtual"
)

// clipSeconds is how long the ball of the virtual camera takes for its way.
const clipSeconds = 8

// writeClip writes the pictures of the virtual camera for the sender that callbox is
// compared with, in the form that gstsender/clip.c describes: one whole picture, then
// what changes, so that a picture costs it about what it costs the virtual camera. The
// time stamps are blank: the sender paints its own.
func writeClip(t *testing.T, path string, mode hal.VideoMode) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	number := func(v int) { _ = binary.Write(w, binary.LittleEndian, uint32(v)) } // Flush tells
	synctest.Test(t, func(t *testing.T) {                                         // all the pictures at once
		s, err := virtual.NewCamera(clock.Go()).Open(mode)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		pictures := int(clipSeconds * mode.FrameRate)
		for _, v := range []int{mode.Width, mode.Height, int(mode.FrameRate), pictures} {
			number(v)
		}
		var first, before []byte
		for i := range pictures {
			frame, err := s.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			now := planes(&frame.YCbCr)
			if i == 0 {
				first = now
				_, _ = w.Write(now)
			} else {
				writeRuns(w, number, before, now)
			}
			before = now
		}
		writeRuns(w, number, before, first)
	})
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// planes returns the bytes of a picture, with a blank stamp.
func planes(m *image.YCbCr) []byte {
	c := image.YCbCr{
		Y: bytes.Clone(m.Y), Cb: bytes.Clone(m.Cb), Cr: bytes.Clone(m.Cr),
		YStride: m.YStride, CStride: m.CStride, SubsampleRatio: m.SubsampleRatio, Rect: m.Rect,
	}
	virtual.Stamp(&c, 0)
	return bytes.Join([][]byte{c.Y, c.Cb, c.Cr}, nil)
}

// writeRuns writes where two pictures differ. Runs that lie close are one.
func writeRuns(w *bufio.Writer, number func(int), before, now []byte) {
	const close = 64
	type run struct{ from, to int }
	var runs []run
	for i := range now {
		switch {
		case now[i] == before[i]:
		case len(runs) > 0 && i-runs[len(runs)-1].to < close:
			runs[len(runs)-1].to = i + 1
		default:
			runs = append(runs, run{i, i + 1})
		}
	}
	number(len(runs))
	for _, r := range runs {
		number(r.from)
		number(r.to - r.from)
		_, _ = w.Write(now[r.from:r.to])
	}
}
