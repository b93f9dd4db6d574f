package h264

import (
	"bytes"
	"encoding/hex"
	"math/bits"
	"strings"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

var _ rtp.Depacketizer = Packet{}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	p, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// writer writes the bits of a parameter set.
type writer struct {
	p []byte
	n int
}

func (w *writer) bit(v int) {
	if w.n%8 == 0 {
		w.p = append(w.p, 0)
	}
	w.p[w.n/8] |= byte(v&1) << (7 - w.n%8)
	w.n++
}

func (w *writer) ue(values ...int) {
	for _, v := range values {
		v++
		size := bits.Len(uint(v))
		for range size - 1 {
			w.bit(0)
		}
		for i := size - 1; i >= 0; i-- {
			w.bit(v >> i)
		}
	}
}

// sps writes one of mbs x rows macroblocks, with what is cut off at the right and below
// in units of two pixels.
func sps(profile, constraints byte, mbs, rows, right, below int, pocType int, frames int) []byte {
	w := &writer{p: []byte{0x67, profile, constraints, 31}, n: 32}
	w.ue(0)
	if profile == 100 {
		w.ue(1, 0, 0)
		w.bit(0)
		w.bit(1)
		for i := range 8 {
			w.bit(i % 2) // every second list is there, and says "as by default"
			if i%2 == 1 {
				w.ue(16) // -8
			}
		}
	}
	w.ue(0, pocType)
	switch pocType {
	case 0:
		w.ue(2)
	case 1:
		w.bit(0)
		w.ue(1, 2, 2, 5, 6)
	}
	w.ue(1)
	w.bit(0)
	w.ue(mbs-1, rows-1)
	w.bit(frames)
	if frames == 0 {
		w.bit(0)
	}
	w.bit(1)
	if right+below > 0 {
		w.bit(1)
		w.ue(0, right, 0, below)
	} else {
		w.bit(0)
	}
	w.bit(0)
	w.bit(1)
	return w.p
}

// TestColours: what the video signal of an SPS says, behind everything else that may
// stand before it.
func TestColours(t *testing.T) {
	plain := sps(66, 0xc0, 80, 45, 0, 0, 0, 1)
	for name, tt := range map[string]struct {
		vui         string // bits
		bt709, full bool
	}{
		"no VUI":                   {"0", false, false},
		"nothing said":             {"1 0 0 0", false, false},
		"a format, limited":        {"1 0 0 1 101 0 0", false, false},
		"full range":               {"1 0 0 1 101 1 0", false, true},
		"BT.709":                   {"1 0 0 1 101 0 1 00000001 00000001 00000001", true, false},
		"BT.709, full range":       {"1 0 0 1 101 1 1 00000001 00000001 00000001", true, true},
		"BT.601":                   {"1 0 0 1 101 0 1 00000110 00000110 00000110", false, false},
		"behind an aspect":         {"1 1 00000001 1 0 1 101 0 1 00000001 00000001 00000001", true, false},
		"behind an aspect in full": {"1 1 11111111 0000000000010001 0000000000010001 0 1 101 0 1 00000001 00000001 00000001", true, false},
		"cut off":                  {"1 0 0 1 101 1 1 00000001 000", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			nal := withVUI(t, plain, tt.vui)
			s, err := ParseSPS(nal)
			if err != nil || s.Width != 1280 || s.BT709 != tt.bt709 || s.FullRange != tt.full {
				t.Errorf("ParseSPS = %+v, %v; want BT.709 %v, full range %v", s, err, tt.bt709, tt.full)
			}
			if name == "cut off" {
				return
			}
			stream := append(append([]byte{0, 0, 0, 1}, nal...), 0, 0, 1, 0x68, 0xce, 0, 0, 1, 0x65, 0x88)
			if got, ok := FindSPS(stream); !ok || got != s {
				t.Errorf("FindSPS = %+v, %v", got, ok)
			}
		})
	}
	for _, stream := range [][]byte{{0, 0, 1, 0x41, 0x88}, {0, 0, 1, 0x67}, nil, append([]byte{0, 0, 1, 0x65, 0x88, 0, 0, 1}, plain...)} {
		if got, ok := FindSPS(stream); ok {
			t.Errorf("in %x there is %+v", stream, got)
		}
	}
}

// withVUI puts other bits in the place of the last bit of an SPS, which says that it has
// no VUI.
func withVUI(t *testing.T, nal []byte, vui string) []byte {
	t.Helper()
	var bits []byte
	for _, b := range nal {
		for i := range 8 {
			bits = append(bits, b>>(7-i)&1)
		}
	}
	stop := bytes.LastIndexByte(bits, 1)
	bits = bits[:stop-1]
	for _, b := range strings.ReplaceAll(vui, " ", "") {
		bits = append(bits, byte(b-'0'))
	}
	bits = append(bits, 1)
	out := make([]byte, (len(bits)+7)/8)
	for i, b := range bits {
		out[i/8] |= b << (7 - i%8)
	}
	// Emulation prevention (7.4.1).
	var safe []byte
	for _, b := range out {
		if n := len(safe); n >= 2 && safe[n-1] == 0 && safe[n-2] == 0 && b <= 3 {
			safe = append(safe, 3)
		}
		safe = append(safe, b)
	}
	return safe
}

func TestParseSPS(t *testing.T) {
	x264 := unhex(t, "6764001facd9405005bb016a02020280000003008000001e078c18cb")
	for name, tt := range map[string]struct {
		nal         []byte
		w, h        int
		constrained bool
		fails       bool
	}{
		"x264, high, 720p":     {nal: x264, w: 1280, h: 720},
		"constrained baseline": {nal: sps(66, 0xc0, 80, 45, 0, 0, 0, 1), w: 1280, h: 720, constrained: true},
		"baseline":             {nal: sps(66, 0, 40, 30, 0, 0, 2, 1), w: 640, h: 480},
		"main":                 {nal: sps(77, 0x40, 40, 23, 0, 4, 0, 1), w: 640, h: 360},
		"odd sizes":            {nal: sps(66, 0xe0, 21, 12, 7, 5, 1, 1), w: 322, h: 182, constrained: true},
		"high, with lists":     {nal: sps(100, 0, 120, 68, 0, 4, 0, 1), w: 1920, h: 1080},
		"nothing left":         {nal: sps(66, 0xc0, 1, 1, 8, 0, 0, 1), fails: true},
		"huge":                 {nal: sps(66, 0xc0, 4000, 4000, 0, 0, 0, 1), fails: true},
		"interlaced":           {nal: sps(77, 0, 40, 15, 0, 0, 0, 0), fails: true},
		"unknown profile":      {nal: sps(244, 0, 40, 30, 0, 0, 0, 1), fails: true},
		"no SPS":               {nal: unhex(t, "68ce3c80"), fails: true},
		"cut off":              {nal: x264[:6], fails: true},
		"nothing but zeros":    {nal: unhex(t, "6742c01f000000000000"), fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := ParseSPS(tt.nal)
			if (err != nil) != tt.fails {
				t.Fatalf("ParseSPS = %+v, %v", s, err)
			}
			if err == nil && (s.Width != tt.w || s.Height != tt.h || s.ConstrainedBaseline() != tt.constrained) {
				t.Errorf("ParseSPS = %+v, want %dx%d, constrained baseline %v", s, tt.w, tt.h, tt.constrained)
			}
		})
	}
}

func FuzzParseSPS(f *testing.F) {
	f.Add(unhex(f, "6764001facd9405005bb016a02020280000003008000001e078c18cb"))
	f.Add(sps(66, 0xe0, 21, 12, 7, 5, 1, 1))
	f.Fuzz(func(t *testing.T, p []byte) {
		s, err := ParseSPS(p)
		if err == nil && (s.Width < 2 || s.Height < 2 || s.Width*s.Height > s.Coded) {
			t.Errorf("ParseSPS = %+v", s)
		}
	})
}

func TestNALs(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"long and short start codes": {"00000001 6701 000001 6802 00000001 650304", "6701 6802 650304"},
		"zeros behind a unit":        {"000001 6701 0000 000001 6802", "6701 6802"},
		"bytes before":               {"ffff 000001 6701", "6701"},
		"empty units":                {"000001 000001 6701 000001", "6701"},
		"none":                       {"ffff00", ""},
		"empty":                      {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			NALs(unhex(t, strings.ReplaceAll(tt.in, " ", "")), func(nal []byte) bool {
				got = append(got, hex.EncodeToString(nal))
				return true
			})
			if s := strings.Join(got, " "); s != tt.want {
				t.Errorf("NALs = %q, want %q", s, tt.want)
			}
		})
	}
}

func TestLook(t *testing.T) {
	key := unhex(t, "000000016742c01f0000000168ce000000016588")
	c := Look(key)
	if !c.Key || !c.Slice || hex.EncodeToString(c.SPS) != "6742c01f" || hex.EncodeToString(c.PPS) != "68ce" {
		t.Errorf("Look = %+v", c)
	}
	if c := Look(unhex(t, "00000001419a")); c.Key || !c.Slice || c.SPS != nil {
		t.Errorf("Look of a slice = %+v", c)
	}
	if c := Look(unhex(t, "000000010605")); c.Key || c.Slice {
		t.Errorf("Look of an SEI = %+v", c)
	}
}

func TestLevel(t *testing.T) {
	for _, tt := range []struct {
		w, h    int
		rate    float64
		bitrate int
		want    byte
	}{
		{176, 144, 15, 64_000, 10},
		{320, 240, 30, 600_000, 13},
		{640, 480, 30, 1_200_000, 30},
		{1280, 720, 30, 1_200_000, 31},
		{1280, 720, 60, 1_200_000, 32},
		{1280, 720, 30, 15_000_000, 32},
		{1920, 1080, 30, 4_000_000, 40},
		{2560, 1440, 30, 4_000_000, 50},
		{16, 1280, 5, 64_000, 22}, // long, though it has few macroblocks
		{16000, 16000, 30, 1, 52},
	} {
		if got := Level(tt.w, tt.h, tt.rate, tt.bitrate); got != tt.want {
			t.Errorf("Level of %dx%d at %v and %d bit/s = %d, want %d", tt.w, tt.h, tt.rate, tt.bitrate, got, tt.want)
		}
	}
}

// TestPacketRoundTrip: what pion's payloader takes apart comes back.
func TestPacketRoundTrip(t *testing.T) {
	nal := func(first byte, n int) []byte {
		return append([]byte{first}, bytes.Repeat([]byte{first, 0x5a, 0xff}, n)...)
	}
	stream := []byte{}
	for _, n := range [][]byte{nal(0x67, 5), nal(0x68, 2), nal(0x65, 2000), nal(0x65, 20)} {
		stream = annexB(stream, n)
	}
	var got []byte
	for i, p := range (&codecs.H264Payloader{}).Payload(1180, stream) {
		if i == 2 && (Packet{}).IsPartitionHead(p) {
			t.Error("a fragment is taken for a beginning")
		}
		part, err := Packet{}.Unmarshal(p)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, part...)
	}
	if !bytes.Equal(got, stream) {
		t.Errorf("%d bytes came back, want the %d that were sent", len(got), len(stream))
	}
}

func TestPacketRefuses(t *testing.T) {
	for name, p := range map[string]string{
		"empty": "", "too short": "65", "reserved type": "1f00", "FU-B": "1d850000", "STAP too long": "7800ff67", "STAP of nothing": "78000067",
		"empty fragment": "7c85",
	} {
		if out, err := (Packet{}).Unmarshal(unhex(t, p)); err == nil {
			t.Errorf("%s: got %x", name, out)
		}
	}
}

func FuzzPacket(f *testing.F) {
	f.Add(unhex(f, "7800046742c01f000268ce"))
	f.Add(unhex(f, "7c85010203"))
	f.Fuzz(func(t *testing.T, p []byte) {
		out, err := Packet{}.Unmarshal(p)
		if len(out) > 3*len(p)+4 {
			t.Errorf("%d bytes of %d", len(out), len(p))
		}
		if err == nil {
			Look(out)
		}
	})
}
