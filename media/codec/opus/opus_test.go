package opus

import (
	"errors"
	"io"
	"math"
	"sync"
	"testing"

	"github.com/pion/mediadevices/pkg/io/audio"
	"github.com/pion/mediadevices/pkg/prop"
	"github.com/pion/mediadevices/pkg/wave"
)

// voice fills pcm with a tone whose loudness changes, so that it is no silence.
func voice(pcm []int16, hz float64, from int) {
	for i := range pcm {
		t := float64(from+i) / SampleRate
		pcm[i] = int16(8000 * (0.6 + 0.4*math.Sin(2*math.Pi*3*t)) * math.Sin(2*math.Pi*hz*t))
	}
}

// power is how much of pcm is at hz (Goertzel), from 0 to 1.
func power(pcm []int16, hz float64) float64 {
	var re, im, all float64
	for i, v := range pcm {
		x := float64(v)
		re += x * math.Cos(2*math.Pi*hz*float64(i)/SampleRate)
		im += x * math.Sin(2*math.Pi*hz*float64(i)/SampleRate)
		all += x * x
	}
	if all == 0 {
		return 0
	}
	return 2 * (re*re + im*im) / (all * float64(len(pcm)))
}

func encodeTone(t *testing.T, hz float64, frames int) [][]byte {
	t.Helper()
	enc, err := NewEncoder(32000)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	var out [][]byte
	pcm := make([]int16, FrameSamples)
	for n := range frames {
		voice(pcm, hz, n*FrameSamples)
		p, err := enc.Encode(pcm)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, append([]byte(nil), p...))
	}
	return out
}

func newDecoder(t *testing.T) *Decoder {
	t.Helper()
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestTone(t *testing.T) {
	const hz = 700
	dec := newDecoder(t)
	var heard []int16
	pcm := make([]int16, MaxSamples)
	bytes := 0
	for _, p := range encodeTone(t, hz, 50) {
		n, err := dec.Decode(p, pcm)
		if err != nil || n != FrameSamples {
			t.Fatalf("Decode = %d, %v", n, err)
		}
		heard = append(heard, pcm[:n]...)
		bytes += len(p)
	}
	if got := power(heard[SampleRate/2:], hz); got < 0.6 {
		t.Errorf("%.2f of the sound is at %d Hz, want most", got, hz)
	}
	if got := power(heard[SampleRate/2:], 2*hz); got > 0.1 {
		t.Errorf("%.2f of the sound is at %d Hz", got, 2*hz)
	}
	if rate := bytes * 8; rate < 10_000 || rate > 50_000 {
		t.Errorf("one second took %d bits, wanted about 32000", rate)
	}
}

// TestLookahead: what was given comes out of the decoder later by Lookahead.
func TestLookahead(t *testing.T) {
	enc, err := NewEncoder(64000)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	dec := newDecoder(t)
	var given, heard []int16
	in, pcm := make([]int16, FrameSamples), make([]int16, MaxSamples)
	for n := range 50 {
		voice(in, 180+float64(n)*3, n*FrameSamples) // never twice the same
		given = append(given, in...)
		p, err := enc.Encode(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := dec.Decode(p, pcm); err != nil {
			t.Fatal(err)
		}
		heard = append(heard, pcm[:FrameSamples]...)
	}
	best, at := 0.0, 0
	for lag := range FrameSamples {
		sum := 0.0
		for i := 10 * FrameSamples; i < len(given)-FrameSamples; i++ {
			sum += float64(given[i]) * float64(heard[i+lag])
		}
		if sum > best {
			best, at = sum, lag
		}
	}
	if off := at - Lookahead; off < -24 || off > 24 {
		t.Errorf("it comes %d samples later, want %d", at, Lookahead)
	}
}

// TestLoss: a lost packet comes back from the error correction in the next one.
// The tone changes with the lost packet, so nothing heard before could tell of it.
func TestLoss(t *testing.T) {
	const before, after, lost = 300, 1000, 30
	enc, err := NewEncoder(32000)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	in := make([]int16, FrameSamples)
	var packets [][]byte
	for n := range lost + 2 {
		hz := float64(before)
		if n >= lost {
			hz = after
		}
		voice(in, hz, n*FrameSamples)
		p, err := enc.Encode(in)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, append([]byte(nil), p...))
	}
	hear := func(recover func(*Decoder, []int16) (int, error)) (old, new float64) {
		dec := newDecoder(t)
		pcm := make([]int16, MaxSamples)
		for _, p := range packets[:lost] {
			if _, err := dec.Decode(p, pcm); err != nil {
				t.Fatal(err)
			}
		}
		n, err := recover(dec, pcm[:FrameSamples])
		if err != nil || n != FrameSamples {
			t.Fatalf("%d samples, %v", n, err)
		}
		return power(pcm[n/2:n], before), power(pcm[n/2:n], after)
	}
	old, fresh := hear(func(d *Decoder, pcm []int16) (int, error) { return d.DecodeFEC(packets[lost+1], pcm) })
	if fresh < 2*old {
		t.Errorf("corrected: %.2f of the old tone, %.2f of the new one", old, fresh)
	}
	old, fresh = hear((*Decoder).Conceal)
	if old < 2*fresh {
		t.Errorf("concealed: %.2f of the old tone, %.2f of the new one", old, fresh)
	}
}

func TestSilenceIsNotSent(t *testing.T) {
	enc, err := NewEncoder(32000)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	pcm := make([]int16, FrameSamples)
	sent := 0
	for range 150 {
		p, err := enc.Encode(pcm)
		if err != nil {
			t.Fatal(err)
		}
		if p != nil {
			sent++
		}
	}
	if sent > 40 || sent < 2 { // one each 400 ms, after the first 200 ms
		t.Errorf("%d packets of 150 were sent for silence", sent)
	}
}

func TestUseAfterClose(t *testing.T) {
	enc, err := NewEncoder(32000)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for !errors.Is(enc.SetBitRate(24000), ErrClosed) {
		}
	})
	enc.Close()
	enc.Close()
	wg.Wait()
	if _, err := enc.Encode(make([]int16, FrameSamples)); !errors.Is(err, ErrClosed) {
		t.Errorf("Encode after Close: %v", err)
	}
	dec := newDecoder(t)
	dec.Close()
	if _, err := dec.Conceal(make([]int16, 480)); !errors.Is(err, ErrClosed) {
		t.Errorf("Conceal after Close: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	enc, err := NewEncoder(32000)
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	if _, err := enc.Encode(make([]int16, 480)); err == nil {
		t.Error("half a frame was encoded")
	}
	dec := newDecoder(t)
	if _, err := dec.Decode([]byte{1}, make([]int16, 100)); err == nil {
		t.Error("decoded into a buffer that is too short")
	}
	if _, err := dec.Conceal(nil); err == nil {
		t.Error("concealed nothing")
	}
}

func TestNoAllocations(t *testing.T) {
	packets := encodeTone(t, 400, 2)
	dec := newDecoder(t)
	pcm := make([]int16, MaxSamples)
	if n := testing.AllocsPerRun(50, func() {
		dec.Decode(packets[0], pcm)
		dec.DecodeFEC(packets[1], pcm[:FrameSamples])
		dec.Conceal(pcm[:480])
	}); n != 0 {
		t.Errorf("decoding allocates %.0f times", n)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x78, 1, 2, 3})
	f.Add([]byte{0xff, 0x03})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, p []byte) {
		dec, err := NewDecoder()
		if err != nil {
			t.Fatal(err)
		}
		defer dec.Close()
		pcm := make([]int16, MaxSamples)
		if n, err := dec.Decode(p, pcm); err == nil && (n < 0 || n > MaxSamples) {
			t.Fatalf("%d samples", n)
		}
		dec.DecodeFEC(p, pcm[:FrameSamples])
	})
}

func TestStream(t *testing.T) {
	chunk := wave.NewInt16Interleaved(wave.ChunkInfo{Len: FrameSamples, Channels: 1, SamplingRate: SampleRate})
	n := 0
	src := audio.ReaderFunc(func() (wave.Audio, func(), error) {
		if n == 3 {
			return nil, func() {}, io.EOF
		}
		voice(chunk.Data, 300, n*FrameSamples)
		n++
		return chunk, func() {}, nil
	})
	rc, err := Builder{Bitrate: 32000}.BuildAudioEncoder(src, prop.Media{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if p, _, err := rc.Read(); err != nil || len(p) < 10 {
			t.Fatalf("Read = %d bytes, %v", len(p), err)
		}
	}
	if _, _, err := rc.Read(); !errors.Is(err, io.EOF) {
		t.Errorf("Read ended with %v", err)
	}
	s := rc.Controller().(*Stream)
	rc.Close()
	if err := s.SetBitRate(1000); !errors.Is(err, ErrClosed) {
		t.Errorf("SetBitRate after Close: %v", err)
	}
}
