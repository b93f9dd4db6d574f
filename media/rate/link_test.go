package rate

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// weather is what a way is like from a moment on.
type weather struct {
	from     time.Duration
	capacity Rate
	queue    int           // bytes that fit
	trip     time.Duration // each way
	jitter   time.Duration // each packet is delayed by up to this, at random
	loss     float64       // at random
	burst    float64       // chance that a bad time begins with a packet; it lasts 100 ms and loses half
	down     bool
}

// link carries packets in virtual time.
type link struct {
	rand    *rand.Rand
	weather []weather
	busy    time.Duration // the bottleneck is, until then
	bad     time.Duration
}

func (l *link) at(now time.Duration) weather {
	w := l.weather[0]
	for _, one := range l.weather {
		if one.from <= now {
			w = one
		}
	}
	return w
}

// carry returns when a packet arrives; false: never.
func (l *link) carry(now time.Duration, size int) (time.Duration, bool) {
	w := l.at(now)
	if w.down || l.rand.Float64() < w.loss {
		return 0, false
	}
	if w.burst > 0 {
		if l.rand.Float64() < w.burst {
			l.bad = now + 100*time.Millisecond
		}
		if now < l.bad && l.rand.Float64() < 0.5 {
			return 0, false
		}
	}
	start := max(now, l.busy)
	if w.capacity.bytes(start-now) > float64(w.queue) {
		return 0, false
	}
	l.busy = start + w.capacity.time(float64(size+28)) // UDP and IP
	return l.busy + w.trip + time.Duration(l.rand.Float64()*float64(w.jitter)), true
}

// sample is what there was in one tenth of a second.
type sample struct {
	at      time.Duration
	target  Rate
	audio   time.Duration // the longest that sound took
	video   Rate          // that arrived
	frames  int           // that were complete, after one retransmission
	skipped int
	lost    float64
	none    bool // there were no pictures at its end
}

const clockOffset = 1234 * time.Second

// drive runs sound and pictures over a link, with feedback as Chromium sends it.
func drive(seed uint64, o Options, need Rate, span time.Duration, w ...weather) []sample {
	return driveLadder(seed, o, need, nil, span, w...)
}

// driveLadder is drive with pictures by a ladder; nil: of one size, whatever they cost.
func driveLadder(seed uint64, o Options, need Rate, ladder *Ladder, span time.Duration, w ...weather) []sample {
	l := &link{rand: rand.New(rand.NewPCG(seed, 7)), weather: w}
	c := New(o)
	var pace Pacer[int] // value: the frame
	type flying struct {
		sent, arrived time.Duration
		size, probe   int
		ok            bool
		frame         int
		seen          bool
	}
	var air []flying
	type report struct {
		at      time.Duration
		packets []Packet
	}
	var reports []report
	var out []sample
	now := sample{}
	left := map[int]int{}
	frame, due, none := 0, 0.0, false
	send := func(t time.Duration, size, probe, of int) (time.Duration, bool) {
		arrived, ok := l.carry(t, size)
		air = append(air, flying{t, arrived, size, probe, ok, of, false})
		return arrived, ok
	}
	const step = time.Millisecond
	nextFeedback := 100 * time.Millisecond
	for t := time.Duration(0); t < span; t += step {
		if t%(100*time.Millisecond) == 0 && t > 0 {
			now.at, now.target, now.lost, now.none = t, c.Target(), c.Loss(), none
			out = append(out, now)
			now = sample{}
		}
		if t%(20*time.Millisecond) == 0 { // sound passes by
			if arrived, ok := send(t, 120, 0, -1); ok {
				now.audio = max(now.audio, arrived-t)
			}
		}
		if t%(33*time.Millisecond) == 0 {
			rate := max(60_000, min(need, c.Target()-50_000))
			if ladder != nil {
				var rung Rung
				var some bool
				rate = min(need, (c.Target()-o.Floor)*0.97)
				rung, some = ladder.Choose(t, rate, c.Ways())
				if none = !some; none {
					due = 0
				} else if due += rung.Rate; true {
					rate /= Rate(rung.Rate)
				}
			} else {
				due = 1
			}
			if due < 0.999 {
				// no picture now
			} else if due--; pace.Backlog() > 100*time.Millisecond {
				now.skipped++
			} else {
				frame++
				size := int(float64(rate) / 8 * 0.033 * math.Exp(l.rand.NormFloat64()*0.25))
				for left[frame] = 0; size > 0; size -= 1100 {
					pace.Push(min(size, 1100)+40, frame)
					left[frame]++
				}
			}
		}
		pace.SetRate(c.Burst())
		if probe, ok := c.Probe(t); ok {
			pace.Begin(t, probe)
		}
		for {
			item, pad, ok, _ := pace.Next(t)
			if !ok {
				break
			}
			of := item.Value
			if pad > 0 {
				of = -2
			}
			if _, ok := send(t, item.Size, item.Probe, of); !ok && of > 0 { // once more
				send(t+step, item.Size, 0, of)
			}
		}
		for i := range air {
			if f := &air[i]; f.ok && f.arrived <= t && !f.seen {
				f.seen = true
				if f.frame > 0 {
					now.video += Rate(f.size * 80) // bits in a tenth of a second
					if left[f.frame]--; left[f.frame] == 0 {
						now.frames++
					}
				}
			}
		}
		if t >= nextFeedback {
			nextFeedback = t + 100*time.Millisecond
			if !l.at(t).down {
				r := report{at: t + l.at(t).trip}
				kept := air[:0]
				for _, f := range air {
					lost := !f.seen
					if lost && f.ok {
						kept = append(kept, f) // it is on its way
						continue
					}
					r.packets = append(r.packets, Packet{f.sent, f.arrived + clockOffset, f.size, lost, f.probe})
				}
				reports, air = append(reports, r), kept
			}
		}
		for len(reports) > 0 && reports[0].at <= t {
			c.Feedback(t, reports[0].packets)
			reports = reports[1:]
		}
		if t%(50*time.Millisecond) == 0 {
			c.Tick(t)
		}
	}
	return out
}

func show(t *testing.T, s []sample, every int) {
	t.Helper()
	for i := 0; i+every <= len(s); i += every {
		var audio time.Duration
		var video, target Rate
		frames, skipped := 0, 0
		for _, one := range s[i : i+every] {
			audio = max(audio, one.audio)
			video += one.video / Rate(every)
			target = one.target
			frames += one.frames
			skipped += one.skipped
		}
		t.Logf("%5.1f s  target %5.0f k  video %5.0f k  audio late %4d ms  frames %2d  skipped %2d", s[i+every-1].at.Seconds(), target/1e3, video/1e3, audio.Milliseconds(), frames, skipped)
	}
}
