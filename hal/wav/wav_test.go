package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"callbox/hal"
)

// file builds a WAV file by hand, independently of Writer.
func file(channels, rate, bits, tag int, data []int16, before ...string) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\x00\x00\x00\x00WAVE")
	for _, chunk := range before {
		b = append(b, chunk...)
	}
	b = append(b, "fmt \x10\x00\x00\x00"...)
	b = le.AppendUint16(b, uint16(tag))
	b = le.AppendUint16(b, uint16(channels))
	b = le.AppendUint32(b, uint32(rate))
	b = le.AppendUint32(b, uint32(rate*channels*bits/8))
	b = le.AppendUint16(b, uint16(channels*bits/8))
	b = le.AppendUint16(b, uint16(bits))
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(2*len(data)))
	for _, s := range data {
		b = le.AppendUint16(b, uint16(s))
	}
	return b
}

func TestDecode(t *testing.T) {
	unfinished := file(1, 48000, 16, 1, []int16{1, 2, 3})
	binary.LittleEndian.PutUint32(unfinished[40:], math.MaxUint32)
	for name, tt := range map[string]struct {
		in   []byte
		want []int16
	}{
		"mono":             {file(1, 48000, 16, 1, []int16{1, -2, 32767, -32768}), []int16{1, -2, 32767, -32768}},
		"stereo":           {file(2, 48000, 16, 1, []int16{10, 20, -32768, -32768, 7, 8}), []int16{15, -32768, 7}},
		"odd chunk before": {file(1, 48000, 16, 1, []int16{5}, "LIST\x03\x00\x00\x00abc\x00"), []int16{5}},
		"24 kHz":           {file(1, 24000, 16, 1, []int16{0, 100, 200}), []int16{0, 50, 100, 150, 200, 200}},
		"96 kHz":           {file(1, 96000, 16, 1, []int16{0, 1, 2, 3, 4, 5}), []int16{0, 2, 4}},
		"unfinished":       {unfinished, []int16{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(bytes.NewReader(tt.in))
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("Decode = %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, in := range map[string][]byte{
		"empty":         nil,
		"not a WAV":     []byte("OggS, and some more bytes"),
		"no data chunk": file(1, 48000, 16, 1, nil)[:36],
		"no fmt chunk":  []byte("RIFF\x00\x00\x00\x00WAVEdata\x02\x00\x00\x00\x01\x00"),
		"no samples":    file(1, 48000, 16, 1, nil),
		"8 bits":        file(1, 48000, 8, 1, []int16{1}),
		"float":         file(1, 48000, 16, 3, []int16{1}),
		"no channels":   file(0, 48000, 16, 1, []int16{1}),
		"9 channels":    file(9, 48000, 16, 1, []int16{1}),
		"slow":          file(1, 7999, 16, 1, []int16{1}),
		"fast":          file(1, 192001, 16, 1, []int16{1}),
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := Decode(bytes.NewReader(in)); !errors.Is(err, ErrFormat) {
				t.Errorf("Decode = %v, %v; want %v", got, err, ErrFormat)
			}
		})
	}
}

func TestWriterKeepsTheHeaderRight(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.wav")
	decode := func() []int16 {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s, err := Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]int16{1, -2})
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := decode(); !slices.Equal(got, []int16{1, -2}) { // as after a crash
		t.Errorf("after Flush: %v", got)
	}
	w.Write([]int16{3})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w, err = Append(path); err != nil {
		t.Fatal(err)
	}
	w.Write([]int16{4})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := decode(); !slices.Equal(got, []int16{1, -2, 3, 4}) {
		t.Errorf("after Append: %v", got)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if riff := binary.LittleEndian.Uint32(b[4:]); int(riff) != len(b)-8 {
		t.Errorf("RIFF size %d in a file of %d bytes", riff, len(b))
	}
	if err := os.WriteFile(path, file(2, 44100, 16, 1, []int16{1, 2}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Append(path); !errors.Is(err, ErrFormat) {
		t.Errorf("Append to a foreign file: %v, want %v", err, ErrFormat)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(file(1, 48000, 16, 1, []int16{1, 2, 3}))
	f.Add(file(2, 8000, 16, 1, []int16{1, 2, 3, 4}, "LIST\x03\x00\x00\x00abc\x00"))
	f.Add(file(8, 192000, 16, tagExtensible, make([]int16, 64)))
	f.Add([]byte("RIFF\x00\x00\x00\x00WAVEdata\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, p []byte) {
		s, err := Decode(bytes.NewReader(p))
		if (err == nil) != (len(s) > 0) {
			t.Errorf("Decode = %d samples, %v", len(s), err)
		}
		if len(s) > len(p)*hal.SampleRate/8000 {
			t.Errorf("%d samples out of %d bytes", len(s), len(p))
		}
	})
}
