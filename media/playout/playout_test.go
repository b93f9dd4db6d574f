package playout

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// ramp is a decoder whose packets say which sample of the sender they begin with:
// decoded sound is a ramp, so that every sample says where it came from. FEC is
// there when the packet's fifth byte is 1. Concealed sound is -1.
type ramp struct{ samples int }

func payload(first int, fec bool) []byte {
	p := binary.BigEndian.AppendUint32(nil, uint32(first))
	if fec {
		return append(p, 1)
	}
	return append(p, 0)
}

func (r ramp) fill(pcm []int16, first int) int {
	for i := range pcm {
		pcm[i] = int16((first + i) % 30000)
	}
	return len(pcm)
}

func (r ramp) Decode(p []byte, pcm []int16) (int, error) {
	if len(p) != 5 {
		return 0, errors.New("damaged")
	}
	return r.fill(pcm[:r.samples], int(binary.BigEndian.Uint32(p))), nil
}

func (r ramp) DecodeFEC(next []byte, pcm []int16) (int, error) {
	if len(next) != 5 || next[4] != 1 {
		return 0, errors.New("no FEC")
	}
	return r.fill(pcm, int(binary.BigEndian.Uint32(next))-len(pcm)), nil
}

func (r ramp) Conceal(pcm []int16) (int, error) {
	for i := range pcm {
		pcm[i] = -1
	}
	return len(pcm), nil
}

// arrival is a packet as the network delivers it.
type arrival struct {
	at   time.Duration
	seq  uint16
	time uint32
	data []byte
}

// network describes a sender of 20 ms packets and what happens to them.
type network struct {
	seconds int
	delay   func(i int, r *rand.Rand) time.Duration // of packet i; < 0: lost
	pause   func(i int) bool                        // DTX: not sent at all
	fec     bool
}

func (n network) packets() []arrival {
	r := rand.New(rand.NewPCG(1, 2))
	var list []arrival
	seq := uint16(65500) // wraps on the way
	for i := range n.seconds * 50 {
		if n.pause != nil && n.pause(i) {
			continue
		}
		seq++
		d := n.delay(i, r)
		if d < 0 {
			continue
		}
		list = append(list, arrival{
			at: time.Duration(i)*20*time.Millisecond + d, seq: seq,
			time: uint32(4294900000) + uint32(i*960), data: payload(i*960, n.fec),
		})
	}
	slices.SortStableFunc(list, func(a, b arrival) int { return int(a.at - b.at) })
	return list
}

// play runs the network against a device that pulls every 10 ms, and returns what
// it heard.
func (n network) play(b *Buffer) (heard []int16) {
	list := n.packets()
	var frame [frameSamples]int16
	for now := time.Duration(0); now < time.Duration(n.seconds)*time.Second; now += 10 * time.Millisecond {
		for len(list) > 0 && list[0].at <= now {
			b.Push(list[0].seq, list[0].time, list[0].data, list[0].at)
			list = list[1:]
		}
		b.Pull(frame[:])
		heard = append(heard, frame[:]...)
	}
	return heard
}

func steady(d time.Duration) func(int, *rand.Rand) time.Duration {
	return func(int, *rand.Rand) time.Duration { return d }
}

func TestNetworks(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		network   network
		concealed uint64        // at most, in frames of 10 ms
		delay     time.Duration // at most
		check     func(t *testing.T, s Stats)
	}{
		"quiet": {network{seconds: 20, delay: steady(30 * ms)}, 0, 30 * ms, nil},
		"slow clock of the sender": {network{seconds: 60, delay: func(i int, _ *rand.Rand) time.Duration {
			return time.Duration(i) * 4 * time.Microsecond // 200 ppm
		}}, 4, 50 * ms, nil},
		"quick clock of the sender": {network{seconds: 60, delay: func(i int, _ *rand.Rand) time.Duration {
			return 200*ms - time.Duration(i)*4*time.Microsecond
		}}, 0, 50 * ms, nil},
		"Wi-Fi, 60 ms of jitter": {network{seconds: 30, delay: func(_ int, r *rand.Rand) time.Duration {
			return 20*ms + time.Duration(r.IntN(60))*ms
		}}, 40, 120 * ms, nil},
		"5 % loss with FEC": {network{seconds: 30, fec: true, delay: func(_ int, r *rand.Rand) time.Duration {
			if r.IntN(20) == 0 {
				return -1
			}
			return 20 * ms
		}}, 20, 60 * ms, func(t *testing.T, s Stats) {
			if s.Repaired < s.Lost*8/10 {
				t.Errorf("%d of %d lost packets were repaired", s.Repaired, s.Lost)
			}
		}},
		"5 % loss without FEC": {network{seconds: 30, delay: func(_ int, r *rand.Rand) time.Duration {
			if r.IntN(20) == 0 {
				return -1
			}
			return 20 * ms
		}}, 200, 60 * ms, func(t *testing.T, s Stats) {
			if s.Lost < 50 || s.Repaired > 0 {
				t.Errorf("lost %d, repaired %d", s.Lost, s.Repaired)
			}
		}},
		"a burst of 300 ms": {network{seconds: 20, delay: func(i int, _ *rand.Rand) time.Duration {
			if i >= 200 && i < 215 {
				return -1
			}
			return 20 * ms
		}}, 40, 80 * ms, nil},
		"a stall of 150 ms": {network{seconds: 20, delay: func(i int, _ *rand.Rand) time.Duration {
			if i >= 200 && i < 208 {
				return 20*ms + time.Duration(208-i)*20*ms
			}
			return 20 * ms
		}}, 30, 120 * ms, nil},
		"pauses (DTX)": {network{seconds: 30, delay: steady(20 * ms), pause: func(i int) bool {
			return i%100 >= 40 && i%20 != 0
		}}, 600, 30 * ms, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := New(ramp{samples: 960})
			tt.network.play(b)
			s := b.Stats()
			if s.Concealed > tt.concealed || s.Delay > tt.delay {
				t.Errorf("concealed %d frames, delay %v; want at most %d, %v\n%+v", s.Concealed, s.Delay, tt.concealed, tt.delay, s)
			}
			if tt.check != nil {
				tt.check(t, s)
			}
		})
	}
}

// TestOrder: what is heard on a good network is what was sent, in order and whole,
// although packets swap places.
func TestOrder(t *testing.T) {
	b := New(ramp{samples: 960})
	heard := network{seconds: 10, delay: func(i int, _ *rand.Rand) time.Duration {
		if i%5 == 0 {
			return 45 * time.Millisecond // overtaken by the next two
		}
		return 20 * time.Millisecond
	}}.play(b)
	heard = heard[5*48000:] // past the warm-up
	for i := 1; i < len(heard); i++ {
		if heard[i] != (heard[i-1]+1)%30000 {
			t.Fatalf("after %v: sample %d follows %d; %+v", samplesTime(i), heard[i], heard[i-1], b.Stats())
		}
	}
}

// TestNoGrowingDelay: after a bad minute the delay comes back down, and the sound
// that piled up is shortened.
func TestNoGrowingDelay(t *testing.T) {
	b := New(ramp{samples: 960})
	network{seconds: 60, delay: func(i int, r *rand.Rand) time.Duration {
		if i < 500 {
			return time.Duration(r.IntN(150)) * time.Millisecond
		}
		return 20 * time.Millisecond
	}}.play(b)
	b.mu.Lock()
	buffered := b.buffered()
	b.mu.Unlock()
	if s := b.Stats(); s.Delay > 40*time.Millisecond || buffered > 100*time.Millisecond || s.Dropped == 0 {
		t.Errorf("a minute later: delay %v, buffered %v, %+v", s.Delay, buffered, s)
	}
}

func TestSilentSenderIsSilence(t *testing.T) {
	b := New(ramp{samples: 960})
	for i := range 20 {
		b.Push(uint16(i), uint32(i*960), payload(i*960, false), time.Duration(i)*20*time.Millisecond)
	}
	frame := make([]int16, frameSamples)
	for range 100 {
		b.Pull(frame)
	}
	if slices.Max(frame) != 0 || slices.Min(frame) != 0 {
		t.Error("a sender that is gone is still heard")
	}
	if c := b.Stats().Concealed; c > maxConcealed {
		t.Errorf("%d frames were made up for a sender that is gone", c)
	}
}

func TestSenderRestarts(t *testing.T) {
	b := New(ramp{samples: 960})
	frame := make([]int16, frameSamples)
	now := time.Duration(0)
	for _, from := range []uint32{4_000_000, 1000} { // the second stream begins far behind
		for i := range 100 {
			b.Push(uint16(i), from+uint32(i*960), payload(i*960, false), now)
			b.Pull(frame)
			b.Pull(frame)
			now += 20 * time.Millisecond
		}
		if frame[0] <= 0 {
			t.Errorf("the stream from %d is not heard: %+v", from, b.Stats())
		}
	}
}

func TestDamagedPacket(t *testing.T) {
	b := New(ramp{samples: 960})
	frame := make([]int16, frameSamples)
	for i := range 50 {
		data := payload(i*960, false)
		if i == 30 {
			data = []byte{1}
		}
		b.Push(uint16(i), uint32(i*960), data, time.Duration(i)*20*time.Millisecond)
		b.Pull(frame)
		b.Pull(frame)
	}
	if s := b.Stats(); s.Lost != 1 {
		t.Errorf("lost = %d, want the damaged packet", s.Lost)
	}
}

func TestPullDoesNotAllocate(t *testing.T) {
	b := New(ramp{samples: 960})
	frame := make([]int16, frameSamples)
	i := 0
	if n := testing.AllocsPerRun(500, func() {
		b.Push(uint16(i), uint32(i*960), []byte{0, 0, 0, 0, 0}, time.Duration(i)*20*time.Millisecond)
		b.Pull(frame)
		b.Pull(frame)
		i++
	}); n > 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

// FuzzBuffer plays random packets and pulls: nothing may panic, grow or give
// sound that no packet had.
func FuzzBuffer(f *testing.F) {
	f.Add([]byte{1, 2, 3, 250, 4, 5, 0, 0, 9})
	f.Add([]byte{255, 255, 0, 1, 128, 64, 32})
	f.Fuzz(func(t *testing.T, input []byte) {
		b := New(ramp{samples: 960})
		frame := make([]int16, frameSamples)
		seq, ts, now := uint16(0), uint32(0), time.Duration(0)
		for i, c := range input {
			switch c % 8 {
			case 0:
				seq += uint16(c) * 100
			case 1:
				ts -= uint32(c) << 16
			case 2:
				b.Push(seq, ts, nil, now)
			case 3:
				b.Push(seq, ts, input[:i%40], now)
			default:
				b.Push(seq-uint16(c>>5), ts-uint32(c>>5)*960, payload(i, c&16 != 0), now)
				seq++
				ts += 960
			}
			if c%3 != 0 {
				b.Pull(frame)
			}
			now += time.Duration(c) * time.Millisecond / 4
			if len(b.packets) > maxPackets || b.readyLen < 0 || b.readyLen > len(b.ready) || len(b.free) > 2*maxPackets {
				t.Fatalf("the buffer grew: %d packets, %d samples, %d free", len(b.packets), b.readyLen, len(b.free))
			}
		}
		for range 1000 { // at most 2 s wait, and a gap of 2 s before them
			b.Pull(frame)
		}
		if slices.Max(frame) != 0 {
			t.Fatal("sound does not end")
		}
	})
}
