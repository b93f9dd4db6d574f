package media

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"callbox/hal"
	"callbox/media/playout"
)

// countingDecoder is a codec whose packets are numbers: each sample of one is that.
type countingDecoder struct{}

func (countingDecoder) Decode(packet []byte, pcm []int16) (int, error) {
	for i := range 2 * hal.FrameSamples {
		pcm[i] = int16(binary.BigEndian.Uint16(packet))
	}
	return 2 * hal.FrameSamples, nil
}

func (countingDecoder) DecodeFEC(_ []byte, pcm []int16) (int, error) {
	clear(pcm)
	return len(pcm), nil
}
func (countingDecoder) Conceal(pcm []int16) (int, error) { clear(pcm); return len(pcm), nil }

// TestLipSync: of a phone whose sound and pictures have RTP times of their own, over
// networks that delay sound for some time, pictures come within 40 ms of their sound.
func TestLipSync(t *testing.T) {
	const (
		packet   = 20 * time.Millisecond
		frame    = 33 * time.Millisecond
		soundAt  = 4_294_000_000 // RTP times at the beginning; both go over their ends
		pictures = 4_294_900_000
		numbers  = 1000 // of packets, until they begin anew
	)
	for name, jitter := range map[string]time.Duration{"calm": time.Millisecond, "usual": 30 * time.Millisecond, "rough": 120 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			var l lipSync
			b := playout.New(countingDecoder{})
			random := rand.New(rand.NewPCG(1, uint64(jitter)))
			out := make([]int16, hal.FrameSamples)
			heard := map[int]time.Duration{} // when which packet's sound began
			shown := map[time.Duration]time.Duration{}
			sent, seen, reported := 0, 0, 0
			arrival := 50 * time.Millisecond
			for now := time.Duration(0); now < 15*time.Second; now += time.Millisecond {
				for ; now >= arrival; arrival = time.Duration(sent)*packet + 50*time.Millisecond + time.Duration(random.Int64N(int64(jitter))) {
					rtp := uint32(soundAt + int64(sent)*2*hal.FrameSamples)
					b.Push(uint16(sent), rtp, binary.BigEndian.AppendUint16(nil, uint16(sent%numbers+1)), now)
					if ahead, ok := b.Ahead(rtp); ok {
						l.played(rtp, now+ahead)
					}
					sent++
				}
				if now >= time.Duration(reported)*time.Second { // the phone's clock is another one
					ntp := func(at time.Duration) uint64 {
						at += 3_900_000_000*time.Second + 123*time.Millisecond
						return uint64(at/time.Second)<<32 | uint64(at%time.Second<<32/time.Second)
					}
					l.report(webrtc.RTPCodecTypeAudio, &rtcp.SenderReport{NTPTime: ntp(now), RTPTime: uint32(soundAt + int64(now*hal.SampleRate/time.Second))})
					l.report(webrtc.RTPCodecTypeVideo, &rtcp.SenderReport{NTPTime: ntp(now), RTPTime: uint32(pictures + int64(now*videoClock/time.Second))})
					reported++
				}
				if captured := time.Duration(seen) * frame; now >= captured+60*time.Millisecond {
					shown[captured] = now + l.hold(uint32(pictures+int64(captured*videoClock/time.Second)), now)
					seen++
				}
				if now%hal.FrameLength == 0 {
					b.Pull(out)
					if n := int(out[0]) - 1; n >= 0 {
						if _, known := heard[n]; !known {
							heard[n] = now
						}
					}
				}
			}
			var most time.Duration
			compared := 0
			for captured, at := range shown {
				played, known := heard[int(captured/packet)]
				if captured < 5*time.Second || !known {
					continue
				}
				compared++
				most = max(most, (at - played - captured%packet).Abs())
			}
			if compared < 200 {
				t.Fatalf("%d pictures were compared", compared)
			}
			t.Logf("of %d pictures the worst is %v away from its sound; the sound's buffer is %v", compared, most, b.Stats().Delay)
			if most > 40*time.Millisecond {
				t.Errorf("a picture is %v away from its sound, want 40ms at the most", most)
			}
		})
	}
}

// TestLipSyncHoldsOnlyWhatItKnows: a picture never waits for what the phone has not
// told, or for a clock that was set.
func TestLipSyncHoldsOnlyWhatItKnows(t *testing.T) {
	const second = uint64(1) << 32
	sound := func(l *lipSync) {
		l.report(webrtc.RTPCodecTypeAudio, &rtcp.SenderReport{NTPTime: 100 * second, RTPTime: 7})
		l.played(7, time.Second)
	}
	picture := func(at uint64) func(*lipSync) {
		return func(l *lipSync) {
			l.report(webrtc.RTPCodecTypeVideo, &rtcp.SenderReport{NTPTime: at, RTPTime: 9})
		}
	}
	for name, tt := range map[string]struct {
		told []func(*lipSync)
		now  time.Duration
		want time.Duration
	}{
		"nothing":             {nil, time.Second, 0},
		"sound only":          {[]func(*lipSync){sound}, 0, 0},
		"pictures only":       {[]func(*lipSync){picture(100 * second)}, 0, 0},
		"at once":             {[]func(*lipSync){sound, picture(100 * second)}, time.Second, 0},
		"late":                {[]func(*lipSync){sound, picture(100 * second)}, 2 * time.Second, 0},
		"early":               {[]func(*lipSync){sound, picture(100 * second)}, 900 * time.Millisecond, 100 * time.Millisecond},
		"too early":           {[]func(*lipSync){sound, picture(100 * second)}, 100 * time.Millisecond, mostHold},
		"another clock":       {[]func(*lipSync){sound, picture(200 * second)}, time.Second, 0},
		"a clock that is set": {[]func(*lipSync){sound, picture(100 * second), func(l *lipSync) { l.played(7+60*hal.SampleRate, time.Second) }}, 900 * time.Millisecond, 0},
	} {
		var l lipSync
		for _, tell := range tt.told {
			tell(&l)
		}
		if got := l.hold(9, tt.now); got != tt.want {
			t.Errorf("%s: a picture waits %v, want %v", name, got, tt.want)
		}
	}
}
