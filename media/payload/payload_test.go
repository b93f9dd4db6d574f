package payload

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pion/rtp/codecs"

	"callbox/media/codec/h264"
)

// cut returns the payloads of a picture.
func cut(t testing.TB, c Cutter, picture []byte, size int) (out [][]byte) {
	t.Helper()
	c.Cut(picture, size, func(n int) []byte {
		if n < 1 || n > size {
			t.Fatalf("a payload of %d bytes, at most %d are allowed", n, size)
		}
		p := make([]byte, n)
		out = append(out, p)
		return p
	})
	return out
}

// nal is a NAL unit of n bytes without zeros.
func nal(kind byte, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(1 + (i*7+n)%255)
	}
	p[0] = kind
	return p
}

func annexB(units ...[]byte) (out []byte) {
	for i, u := range units {
		if i%2 == 0 { // start codes of both lengths
			out = append(out, 0)
		}
		out = append(append(out, 0, 0, 1), u...)
	}
	return out
}

// TestLikePion: the same packets as those of pion, which every phone has been tried with.
func TestLikePion(t *testing.T) {
	sps, pps := nal(0x67, 20), nal(0x68, 6)
	for name, picture := range map[string][]byte{
		"one slice":            annexB(nal(0x41, 700)),
		"exactly one packet":   annexB(nal(0x41, 1000)),
		"one byte more":        annexB(nal(0x41, 1001)),
		"exactly two":          annexB(nal(0x65, 1+2*998)),
		"keyframe":             annexB(sps, pps, nal(0x65, 5000)),
		"keyframe in slices":   annexB(sps, pps, nal(0x65, 3000), nal(0x65, 900), nal(0x65, 1)),
		"with SEI":             annexB(sps, pps, nal(0x06, 40), nal(0x65, 1500)),
		"delimiter and filler": annexB(nal(0x09, 2), sps, pps, nal(0x65, 1500), nal(0x0c, 2000)),
		"smallest":             annexB(nal(0x41, 1)),
	} {
		want := (&codecs.H264Payloader{}).Payload(1000, picture)
		if got := cut(t, H264{}, picture, 1000); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Errorf("%s: %d payloads, want %d, or others", name, len(got), len(want))
		}
	}
	ours, theirs := &VP8{}, &codecs.VP8Payloader{EnablePictureID: true}
	for n := range 1<<15 + 300 { // over the end of the numbers
		picture := nal(0x10, 1+n%5000)
		if n > 300 && n < 1<<15-300 {
			picture = picture[:1]
		}
		if got, want := cut(t, ours, picture, 1000), theirs.Payload(1000, picture); !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatalf("VP8 of %d bytes: %d payloads, want %d, or others", len(picture), len(got), len(want))
		}
	}
	if out := cut(t, ours, nil, 1000); out != nil {
		t.Errorf("nothing became %d payloads", len(out))
	}
}

// TestSets: what pion drops, keeps back or splits is sent all the same.
func TestSets(t *testing.T) {
	sps, pps, slice := nal(0x67, 20), nal(0x68, 6), nal(0x65, 50)
	for name, tt := range map[string]struct {
		units [][]byte
		size  int
		want  []byte // types of the payloads
	}{
		"together":               {[][]byte{sps, pps, slice}, 100, []byte{24, 5}},
		"they do not fit":        {[][]byte{sps, pps, slice}, 30, []byte{7, 8, 28, 28}},
		"in fragments":           {[][]byte{nal(0x67, 40), pps}, 30, []byte{28, 28, 8}},
		"no picture behind them": {[][]byte{sps, pps}, 100, []byte{24}},
		"SPS alone":              {[][]byte{sps, slice}, 100, []byte{7, 5}},
		"two PPS":                {[][]byte{sps, pps, nal(0x68, 9), slice}, 100, []byte{24, 8, 5}},
	} {
		var got []byte
		var back []byte
		for _, p := range cut(t, H264{}, annexB(tt.units...), tt.size) {
			got = append(got, h264.Type(p))
			stream, err := h264.Packet{}.Unmarshal(p)
			if err != nil {
				t.Fatal(err)
			}
			back = append(back, stream...)
		}
		if !bytes.Equal(got, tt.want) {
			t.Errorf("%s: payloads of types %d, want %d", name, got, tt.want)
		}
		var units [][]byte
		h264.NALs(back, func(nal []byte) bool { units = append(units, nal); return true })
		if !slices.EqualFunc(units, tt.units, bytes.Equal) {
			t.Errorf("%s: %d NAL units arrive, want %d, or others", name, len(units), len(tt.units))
		}
	}
}

// TestAllocations: there are none.
func TestAllocations(t *testing.T) {
	memory := make([]byte, 1000)
	next := func(n int) []byte { return memory[:n] }
	for name, c := range map[string]Cutter{"H.264": H264{}, "VP8": &VP8{}} {
		picture := annexB(nal(0x67, 20), nal(0x68, 6), nal(0x65, 5000))
		if n := testing.AllocsPerRun(20, func() { c.Cut(picture, 1000, next) }); n != 0 {
			t.Errorf("%s: a picture allocates %v times", name, n)
		}
	}
}

// FuzzH264: whatever a camera says is H.264 arrives as it was, but for what is left out.
func FuzzH264(f *testing.F) {
	f.Add(annexB(nal(0x67, 20), nal(0x68, 6), nal(0x65, 3000)), uint16(100))
	f.Add([]byte{0, 0, 1, 0x67, 0, 0, 1, 0x67, 0, 0, 0, 1, 0x41}, uint16(16))
	f.Add(annexB(nal(0x09, 2), nal(0x0c, 40), nal(0x41, 17)), uint16(1200))
	f.Fuzz(func(t *testing.T, picture []byte, size uint16) {
		var want, got [][]byte
		usable := true
		h264.NALs(picture, func(nal []byte) bool {
			switch kind := h264.Type(nal); {
			case kind == 0 || kind > 23 || len(nal) < 2:
				usable = false // RTP has other plans for these types, and no payload is that short
			case kind != typeDelimiter && kind != typeFiller:
				want = append(want, nal)
			}
			return true
		})
		payloads := cut(t, H264{}, picture, int(max(size, 16)))
		if !usable {
			return
		}
		var back []byte
		for _, p := range payloads {
			stream, err := h264.Packet{}.Unmarshal(p)
			if err != nil {
				t.Fatal(err)
			}
			back = append(back, stream...)
		}
		h264.NALs(back, func(nal []byte) bool { got = append(got, nal); return true })
		if len(got) != len(want) {
			t.Fatalf("%d NAL units arrive, want %d", len(got), len(want))
		}
		sets := func(a, b []byte) int { return bytes.Compare(a, b) } // a PPS may come behind its SPS
		slices.SortFunc(got, sets)
		slices.SortFunc(want, sets)
		if !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatal("other NAL units arrive")
		}
	})
}
