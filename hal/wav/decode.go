// Package wav reads and writes WAV files (RIFF, "Multimedia Programming
// Interface and Data Specifications 1.0", IBM and Microsoft, 1991) as far as a
// device needs them: 16-bit PCM in, mono at 48 kHz out.
package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"callbox/hal"
)

// MaxBytes is the size of the largest file that Decode takes: about six minutes
// of stereo at 48 kHz. The sound is kept in memory.
const MaxBytes = 64 << 20

// maxSamples is the most that Decode returns, in mono samples at 48 kHz: a file
// at a low sampling rate grows sixfold.
const maxSamples = 32 << 20

// ErrFormat means that a file is not a WAV file that Decode understands.
var ErrFormat = errors.New("not a 16-bit PCM WAV file")

// Format tags of the fmt chunk.
const (
	tagPCM        = 1
	tagExtensible = 0xFFFE // the tag is the first two bytes of the sub-format then
)

// Decode reads a whole WAV file and returns its sound as mono samples at
// hal.SampleRate: channels are averaged, other rates (8 to 192 kHz) interpolated
// linearly. A data chunk that claims more than there is ends with the file, as
// in files whose writer was killed. Errors wrap ErrFormat.
func Decode(r io.Reader) ([]int16, error) {
	p, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read WAV file: %w", err)
	}
	if len(p) > MaxBytes {
		return nil, bad("longer than %d MiB; use a shorter one, it is played in a loop", MaxBytes>>20)
	}
	if len(p) < 12 || string(p[:4]) != "RIFF" || string(p[8:12]) != "WAVE" {
		return nil, bad("no RIFF/WAVE header")
	}
	var f format
	for p = p[12:]; len(p) >= 8; {
		id, size := string(p[:4]), uint64(binary.LittleEndian.Uint32(p[4:8]))
		body := p[8:]
		body = body[:min(uint64(len(body)), size)]
		switch id {
		case "fmt ":
			if f, err = parseFormat(body); err != nil {
				return nil, err
			}
		case "data":
			if f.channels == 0 {
				return nil, bad("the data chunk comes before the fmt chunk")
			}
			return f.convert(body)
		}
		p = p[8+len(body):]
		if size%2 == 1 && len(p) > 0 { // chunks begin on even offsets
			p = p[1:]
		}
	}
	return nil, bad("no data chunk")
}

func bad(format string, args ...any) error {
	return fmt.Errorf("cannot decode WAV file: %w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

type format struct{ channels, rate int }

func parseFormat(p []byte) (format, error) {
	if len(p) < 16 {
		return format{}, bad("the fmt chunk is too short")
	}
	tag := binary.LittleEndian.Uint16(p)
	if tag == tagExtensible && len(p) >= 26 {
		tag = binary.LittleEndian.Uint16(p[24:])
	}
	f := format{
		channels: int(binary.LittleEndian.Uint16(p[2:])),
		rate:     int(min(binary.LittleEndian.Uint32(p[4:]), 1<<20)),
	}
	align, bits := int(binary.LittleEndian.Uint16(p[12:])), binary.LittleEndian.Uint16(p[14:])
	switch {
	case tag != tagPCM || bits != 16:
		return format{}, bad("format tag %d with %d bits; convert it with: sox in.wav -b 16 -e signed out.wav", tag, bits)
	case f.channels < 1 || f.channels > 8 || align != 2*f.channels:
		return format{}, bad("%d channels in blocks of %d bytes; allowed: 1 to 8 channels", f.channels, align)
	case f.rate < 8000 || f.rate > 192000:
		return format{}, bad("%d Hz; allowed: 8000 to 192000", f.rate)
	}
	return f, nil
}

func (f format) convert(p []byte) ([]int16, error) {
	mono := make([]int16, len(p)/(2*f.channels))
	for i := range mono {
		sum := 0
		for c := range f.channels {
			sum += int(int16(binary.LittleEndian.Uint16(p[2*(i*f.channels+c):])))
		}
		mono[i] = int16(sum / f.channels)
	}
	if len(mono) == 0 {
		return nil, bad("no samples")
	}
	if f.rate == hal.SampleRate {
		return mono, nil
	}
	n := max(1, len(mono)*hal.SampleRate/f.rate)
	if n > maxSamples {
		return nil, bad("longer than %d minutes", maxSamples/hal.SampleRate/60)
	}
	out := make([]int16, n)
	for i := range out {
		at := int64(i) * int64(f.rate)
		k, frac := int(at/hal.SampleRate), int(at%hal.SampleRate)
		a, b := int(mono[min(k, len(mono)-1)]), int(mono[min(k+1, len(mono)-1)])
		out[i] = int16(a + (b-a)*frac/hal.SampleRate)
	}
	return out, nil
}
