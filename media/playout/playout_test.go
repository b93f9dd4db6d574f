package playout

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const packetSamples = 960 // 20 ms

// fake decodes a packet into a ramp of its own RTP time, so that the test sees
// what is heard when: sample i of a packet at ts is value(ts+i). Concealment is 0,
// a corrected packet negative.
var errShort = errors.New("short packet")

type fake struct{ concealed, corrected int }

const origin = 4294000000 // near the end of RTP time, so that it wraps

// value is the milliseconds since the origin, from 1.
func value(ts uint32) int16 { return int16(1 + (ts-origin)/48%30000) }

func (f *fake) Decode(p []byte, pcm []int16) (int, error) {
	if len(p) < 6 {
		return 0, errShort
	}
	ts, n := binary.BigEndian.Uint32(p), int(binary.BigEndian.Uint16(p[4:]))
	for i := range n {
		pcm[i] = value(ts + uint32(i))
	}
	return n, nil
}

func (f *fake) DecodeFEC(p []byte, pcm []int16) (int, error) {
	if len(p) < 6 {
		return 0, errShort
	}
	f.corrected++
	ts := binary.BigEndian.Uint32(p) - uint32(len(pcm))
	for i := range pcm {
		pcm[i] = -value(ts + uint32(i))
	}
	return len(pcm), nil
}

func (f *fake) Conceal(pcm []int16) (int, error) {
	f.concealed++
	clear(pcm)
	return len(pcm), nil
}

// packet is one that is sent at 20 ms times its number and arrives some time later.
type packet struct {
	seq     uint16
	ts      uint32
	arrival time.Duration
	dtx     bool
}

func (p packet) payload() []byte {
	b := binary.BigEndian.AppendUint32(nil, p.ts)
	b = binary.BigEndian.AppendUint16(b, packetSamples)
	if p.dtx {
		return b[:2]
	}
	return b
}

// stream is n packets whose delay is given by late.
func stream(n int, late func(i int) time.Duration) []packet {
	out := make([]packet, n)
	for i := range out {
		out[i] = packet{seq: uint16(65000 + i), ts: origin + uint32(i*packetSamples),
			arrival: time.Duration(i)*20*time.Millisecond + late(i)}
	}
	return out
}

// play runs packets through a buffer, in order of arrival, for some time, and
// returns what is heard.
func play(t *testing.T, packets []packet, length time.Duration) (heard []int16, b *Buffer, f *fake) {
	t.Helper()
	slices.SortStableFunc(packets, func(a, b packet) int { return int(a.arrival - b.arrival) })
	f = &fake{}
	b = New(f)
	out := make([]int16, FrameSamples)
	for now := time.Duration(0); now < length; now += 10 * time.Millisecond {
		for len(packets) > 0 && packets[0].arrival <= now {
			p := packets[0]
			packets = packets[1:]
			b.Push(p.seq, p.ts, p.payload(), p.arrival)
		}
		b.Pull(out)
		heard = append(heard, out...)
	}
	return heard, b, f
}

// share is how many of the milliseconds heard from some point on are real ones.
func shareReal(heard []int16, from time.Duration) float64 {
	heard = heard[int(from/time.Millisecond)*48:]
	n := 0
	for _, v := range heard {
		if v != 0 {
			n++
		}
	}
	return float64(n) / float64(len(heard))
}

// inOrder fails when sound is heard twice or backwards.
func inOrder(t *testing.T, heard []int16) {
	t.Helper()
	var last int16
	for i, v := range heard {
		if v < 0 {
			v = -v
		}
		if v == 0 {
			continue
		}
		if d := v - last; last != 0 && d < 0 && d > -29000 {
			t.Fatalf("at %d ms the sound goes back from %d to %d ms", i/48, last, v)
		}
		last = v
	}
}

func none(int) time.Duration { return 0 }

func TestPerfect(t *testing.T) {
	heard, b, _ := play(t, stream(200, none), 4*time.Second)
	inOrder(t, heard)
	if got := shareReal(heard, 200*time.Millisecond); got != 1 {
		t.Errorf("%.3f of the sound was heard, want all", got)
	}
	s := b.Stats()
	if s.Lost != 0 || s.Concealed != 0 || s.Delay > 50*time.Millisecond {
		t.Errorf("%+v", s)
	}
}

func TestReorderedAndDoubled(t *testing.T) {
	packets := stream(200, func(i int) time.Duration {
		if i%5 == 0 {
			return 30 * time.Millisecond // behind the next
		}
		return 0
	})
	packets = append(packets, packets[50:100]...)
	heard, b, _ := play(t, packets, 4*time.Second)
	inOrder(t, heard)
	if got := shareReal(heard, time.Second); got < 0.99 {
		t.Errorf("%.3f of the sound was heard", got)
	}
	if s := b.Stats(); s.Played < 195 || s.Played > 200 {
		t.Errorf("%d packets played, want each once", s.Played)
	}
}

func TestLossIsCorrected(t *testing.T) {
	packets := slices.DeleteFunc(stream(500, none), func(p packet) bool { return p.seq%10 == 3 })
	heard, b, f := play(t, packets, 10*time.Second)
	inOrder(t, heard)
	s := b.Stats()
	if s.Lost < 48 || s.Lost > 52 {
		t.Errorf("%d lost, want 50", s.Lost)
	}
	// At first the delay is too short for the correction; then it grows.
	if f.corrected < 35 || s.Corrected != uint64(f.corrected) {
		t.Errorf("%d of 50 corrected (counted: %d)", f.corrected, s.Corrected)
	}
	if got := shareReal(heard, 4*time.Second); got < 0.99 {
		t.Errorf("%.3f of the sound was heard", got)
	}
}

func TestTwoLostInARow(t *testing.T) {
	packets := slices.DeleteFunc(stream(300, func(i int) time.Duration { return time.Duration(i%3) * 20 * time.Millisecond }),
		func(p packet) bool { return p.ts == origin+250*packetSamples || p.ts == origin+251*packetSamples })
	heard, b, f := play(t, packets, 6*time.Second)
	inOrder(t, heard)
	if s := b.Stats(); s.Lost != 2 || f.corrected != 1 {
		t.Errorf("lost %d, corrected %d; want 2 and 1", s.Lost, f.corrected)
	}
}

// TestJitter: the delay grows until nearly all come in time, and no further.
func TestJitter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, most := range []time.Duration{20 * time.Millisecond, 60 * time.Millisecond, 120 * time.Millisecond} {
		packets := stream(1000, func(int) time.Duration { return time.Duration(r.Int64N(int64(most))) })
		heard, b, _ := play(t, packets, 20*time.Second)
		inOrder(t, heard)
		if got := shareReal(heard, 5*time.Second); got < 0.96 {
			t.Errorf("jitter %v: %.3f of the sound was heard", most, got)
		}
		if d := b.Stats().Delay; d > most+50*time.Millisecond {
			t.Errorf("jitter %v: the delay grew to %v", most, d)
		}
	}
}

// TestCalm: after a bad time the delay comes down again.
func TestCalm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	packets := stream(3000, func(i int) time.Duration {
		if i < 500 {
			return time.Duration(r.Int64N(int64(120 * time.Millisecond)))
		}
		return 0
	})
	heard, b, _ := play(t, packets, time.Minute)
	inOrder(t, heard)
	if s := b.Stats(); s.Delay > 60*time.Millisecond || s.Skipped == 0 {
		t.Errorf("the delay is still %v after 50 s of calm; %d frames were cut", s.Delay, s.Skipped)
	}
}

// TestStep: the way becomes longer in one leap, as over a relay or another network, and
// shorter again. Sound is back soon after each, whatever the leap.
func TestStep(t *testing.T) {
	const ms = time.Millisecond
	const to, back = 4 * time.Second, 12 * time.Second
	for _, step := range []time.Duration{60 * ms, 100 * ms, 200 * ms, 220 * ms, 300 * ms, 700 * ms, 1500 * ms} {
		t.Run(step.String(), func(t *testing.T) {
			heard, b, _ := play(t, stream(1000, func(i int) time.Duration {
				if at := time.Duration(i) * 20 * ms; at >= to && at < back {
					return step
				}
				return 0
			}), 19*time.Second)
			// Nothing comes for as long as the leap is; then the buffer has half a second.
			if share := shareReal(heard[:int(back/ms)*48], to+step+500*ms); share < 0.999 {
				t.Errorf("from half a second after a leap of %v on, %.1f %% of the sound is real", step, 100*share)
			}
			if share := shareReal(heard, back+500*ms); share < 0.999 {
				t.Errorf("from half a second after the way back on, %.1f %% of the sound is real", 100*share)
			}
			if now := b.Stats(); now.Delay > MaxDelay || now.Delay > now.Wanted+60*ms {
				t.Errorf("at the end the buffer adds %v, and wants %v", now.Delay, now.Wanted)
			}
		})
	}
}

// TestBurst: a stall of a second, then all at once. The delay stays bounded.
func TestBurst(t *testing.T) {
	packets := stream(500, func(i int) time.Duration {
		if i >= 100 && i < 150 {
			return time.Duration(150-i) * 20 * time.Millisecond
		}
		return 0
	})
	heard, _, _ := play(t, packets, 10*time.Second)
	inOrder(t, heard)
	if got := shareReal(heard, 4*time.Second); got < 0.98 {
		t.Errorf("%.3f of the sound was heard after the burst", got)
	}
	// How late is the sound, two seconds after the burst?
	at := 5 * time.Second
	i := int(at/time.Millisecond) * 48
	if late := int16(at/time.Millisecond) - heard[i]; late > 240 || late < 0 {
		t.Errorf("the sound is %d ms behind, want at most 240", late)
	}
}

// TestSilence: a sender that says nothing loses nothing.
func TestSilence(t *testing.T) {
	var packets []packet
	for i, seq := 0, uint16(0); i < 500; i++ {
		talking := i/50%2 == 0
		if !talking && i%20 != 10 { // one packet each 400 ms
			continue
		}
		packets = append(packets, packet{seq: seq, ts: uint32(i * packetSamples), arrival: time.Duration(i) * 20 * time.Millisecond, dtx: !talking})
		seq++
	}
	// The fake cannot decode two bytes: make them concealment, as libopus does.
	dec := &silent{}
	b := New(dec)
	out := make([]int16, FrameSamples)
	real := 0
	for now := time.Duration(0); now < 10*time.Second; now += 10 * time.Millisecond {
		for len(packets) > 0 && packets[0].arrival <= now {
			p := packets[0]
			packets = packets[1:]
			b.Push(p.seq, p.ts, p.payload(), p.arrival)
		}
		b.Pull(out)
		for _, v := range out {
			if v != 0 {
				real++
			}
		}
	}
	if got := float64(real) / 48000; got < 4.9 || got > 5.1 {
		t.Errorf("%.2f s of 5 s of talk were heard", got)
	}
	if s := b.Stats(); s.Lost != 0 || s.Delay > 60*time.Millisecond {
		t.Errorf("%+v", s)
	}
}

type silent struct{ fake }

func (s *silent) Decode(p []byte, pcm []int16) (int, error) {
	if len(p) == 2 {
		clear(pcm[:packetSamples])
		return packetSamples, nil
	}
	return s.fake.Decode(p, pcm)
}

// TestNewStream: another SSRC continues on the same track with other numbers.
func TestNewStream(t *testing.T) {
	packets := stream(100, none)
	for i := range 100 {
		packets = append(packets, packet{seq: uint16(7 + i), ts: uint32(1_000_000_000 + i*packetSamples),
			arrival: 2*time.Second + time.Duration(i)*20*time.Millisecond})
	}
	heard, _, _ := play(t, packets, 4*time.Second)
	if got := shareReal(heard[len(heard)-48000:], 0); got < 0.99 {
		t.Errorf("%.3f of the new stream was heard", got)
	}
}

// TestDrift: a sender whose clock is 0.1 % fast or slow.
func TestDrift(t *testing.T) {
	for _, ppm := range []int{-1000, 1000} {
		packets := stream(3000, func(i int) time.Duration {
			return time.Second + time.Duration(i)*20*time.Millisecond*time.Duration(ppm)/1e6
		})
		heard, b, _ := play(t, packets, 59*time.Second)
		inOrder(t, heard)
		if got := shareReal(heard, 2*time.Second); got < 0.985 {
			t.Errorf("%d ppm: %.3f of the sound was heard", ppm, got)
		}
		if d := b.Stats().Delay; d > 100*time.Millisecond {
			t.Errorf("%d ppm: the delay is %v", ppm, d)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	b := New(&fake{})
	out := make([]int16, FrameSamples)
	p := packet{}.payload()
	n := uint16(0)
	if got := testing.AllocsPerRun(200, func() {
		n++
		b.Push(n, uint32(n)*packetSamples, p, time.Duration(n)*20*time.Millisecond)
		b.Pull(out)
		b.Pull(out)
	}); got != 0 {
		t.Errorf("a packet allocates %.1f times", got)
	}
}

// FuzzBuffer feeds any sequence of packets and pulls. The delay stays bounded and
// every pull ends.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})
	f.Add([]byte{1, 0, 1, 20, 1, 1, 1, 20, 1, 200, 1, 20, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, ops []byte) {
		b := New(&fake{})
		out := make([]int16, FrameSamples)
		var seq uint16
		var ts uint32
		now := time.Duration(0)
		for len(ops) >= 2 {
			op, arg := ops[0], ops[1]
			ops = ops[2:]
			switch op % 4 {
			case 0, 1:
				seq += uint16(int8(arg) / 8)
				ts += uint32(int32(int8(arg)) * 120)
				b.Push(seq, ts, packet{ts: ts}.payload(), now)
			case 2:
				seq, ts = uint16(arg)<<8, uint32(arg)<<24
				b.Push(seq, ts, packet{ts: ts, dtx: arg%2 == 0}.payload(), now)
			case 3:
				for range arg % 16 {
					now += 10 * time.Millisecond
					b.Pull(out)
				}
			}
			if n := b.to - b.from; n < 0 || n > len(b.pcm) {
				t.Fatalf("%d samples decoded in advance", n)
			}
		}
	})
}
