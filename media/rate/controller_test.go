package rate

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

const trip = 20 * time.Millisecond

func at(second int) time.Duration { return time.Duration(second) * time.Second }

var limits = Options{Floor: 100_000, Start: 800_000, Ceiling: 2_500_000}

// between is what there was in [from, to).
func between(s []sample, from, to time.Duration) (video Rate, audio time.Duration, frames int, lost float64) {
	n := 0
	var lates []time.Duration
	for _, one := range s {
		if one.at > from && one.at <= to {
			n++
			video += one.video
			frames += one.frames
			lost += one.lost
			lates = append(lates, one.audio)
		}
	}
	slices.Sort(lates)
	return video / Rate(n), lates[len(lates)*95/100], frames, lost / float64(n)
}

// want bounds what there is from one moment to another.
type want struct {
	from, to time.Duration
	video    Rate          // at least, on average
	audio    time.Duration // at most, 95 of 100 tenths of a second
	frames   float64       // a second, at least
	lost     float64       // at most, on average; 0: not looked at
	late     int           // tenths of a second in which sound is over 150 ms late, at most; 0: not looked at
}

// lateTenths is how many tenths of a second in [from, to) had sound that late: about what
// a jitter buffer conceals.
func lateTenths(s []sample, from, to time.Duration) (n int) {
	for _, one := range s {
		if one.at > from && one.at <= to && one.audio > 150*time.Millisecond {
			n++
		}
	}
	return n
}

// TestWays: what a call asks of the control (docs/decisions/0020-rate.md), on ways of
// many kinds, several times each.
func TestWays(t *testing.T) {
	for _, tt := range []struct {
		name string
		way  []weather
		want []want
	}{
		{"2.5, 0.8, 2.5 Mbit/s", []weather{
			{capacity: 2_500_000, queue: 60_000, trip: trip},
			{from: at(20), capacity: 800_000, queue: 60_000, trip: trip},
			{from: at(40), capacity: 2_500_000, queue: 60_000, trip: trip},
		}, []want{
			{from: at(5), to: at(20), video: 1_900_000, audio: 150 * time.Millisecond, frames: 28},
			{from: at(20), to: at(24), audio: time.Second, late: 13},
			{from: at(23), to: at(40), video: 580_000, audio: 200 * time.Millisecond, frames: 28},
			{from: at(50), to: at(60), video: 1_900_000, audio: 150 * time.Millisecond, frames: 28},
		}},
		{"0.8, 0.4 Mbit/s", []weather{
			{capacity: 800_000, queue: 60_000, trip: trip},
			{from: at(20), capacity: 400_000, queue: 60_000, trip: trip},
		}, []want{
			{from: at(5), to: at(20), video: 550_000, audio: 200 * time.Millisecond, frames: 28},
			{from: at(20), to: at(24), audio: time.Second, late: 13},
			{from: at(24), to: at(60), video: 250_000, audio: 250 * time.Millisecond, frames: 28},
		}},
		{"1.5, 0.3 Mbit/s", []weather{
			{capacity: 1_500_000, queue: 60_000, trip: trip},
			{from: at(20), capacity: 300_000, queue: 60_000, trip: trip},
		}, []want{
			{from: at(20), to: at(24), audio: 2 * time.Second, late: 36},
			{from: at(26), to: at(60), video: 170_000, audio: 300 * time.Millisecond, frames: 28},
		}},
		{"5 % of the packets lost", []weather{{capacity: 5_000_000, queue: 60_000, trip: trip, loss: 0.05}}, []want{
			{from: at(15), to: at(60), video: 2_000_000, audio: 100 * time.Millisecond, frames: 26},
		}},
		{"10 % of the packets lost", []weather{{capacity: 5_000_000, queue: 60_000, trip: trip, loss: 0.1}}, []want{
			{from: at(15), to: at(60), video: 1_800_000, audio: 100 * time.Millisecond, frames: 24},
		}},
		{"bursts of loss", []weather{{capacity: 5_000_000, queue: 60_000, trip: trip, burst: 0.002}}, []want{
			{from: at(15), to: at(60), video: 1_800_000, audio: 100 * time.Millisecond, frames: 22},
		}},
		{"300 ms of jitter", []weather{{capacity: 5_000_000, queue: 60_000, trip: trip, jitter: 300 * time.Millisecond}}, []want{
			{from: at(15), to: at(60), video: 1_500_000, audio: 400 * time.Millisecond, frames: 28},
		}},
		{"5 s without a way", []weather{
			{capacity: 3_000_000, queue: 60_000, trip: trip},
			{from: at(20), down: true},
			{from: at(25), capacity: 3_000_000, queue: 60_000, trip: trip},
		}, []want{
			{from: at(26), to: at(28), video: 900_000, audio: 100 * time.Millisecond, frames: 26},
			{from: at(30), to: at(60), video: 2_000_000, audio: 150 * time.Millisecond, frames: 28},
		}},
		{"a policer of 1 Mbit/s", []weather{{capacity: 1_000_000, queue: 6_000, trip: trip}}, []want{
			{from: at(10), to: at(60), video: 550_000, audio: 100 * time.Millisecond, frames: 20, lost: 0.08},
		}},
		{"a way that becomes longer", []weather{
			{capacity: 3_000_000, queue: 60_000, trip: trip},
			{from: at(20), capacity: 3_000_000, queue: 60_000, trip: 120 * time.Millisecond},
		}, []want{
			{from: at(40), to: at(60), video: 1_900_000, audio: 250 * time.Millisecond, frames: 28},
		}},
		{"a slow way", []weather{{capacity: 250_000, queue: 30_000, trip: 100 * time.Millisecond}}, []want{
			{from: at(10), to: at(60), video: 110_000, audio: 400 * time.Millisecond, frames: 26},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for seed := range uint64(24) {
				s := drive(seed, limits, 2_400_000, at(60), tt.way...)
				for _, w := range tt.want {
					video, audio, frames, lost := between(s, w.from, w.to)
					rate := float64(frames) / (w.to - w.from).Seconds()
					late := lateTenths(s, w.from, w.to)
					if video < w.video || audio > w.audio || rate < w.frames || w.lost > 0 && lost > w.lost || w.late > 0 && late > w.late {
						t.Errorf("seed %d, %v to %v: %.0f kbit/s of video, sound %v late, %d tenths over 150 ms, %.1f pictures/s, %.1f %% lost; want %.0f, %v, %d, %.0f",
							seed, w.from, w.to, video/1000, audio.Round(time.Millisecond), late, rate, 100*lost, w.video/1000, w.audio, w.late, w.frames)
					}
				}
				if t.Failed() {
					show(t, s, 10)
					return
				}
			}
		})
	}
}

// TestNarrow: where a way leaves too little for pictures, sound goes on alone and in time, and
// pictures are back when it leaves more.
func TestNarrow(t *testing.T) {
	const sound = 42_000
	o := Options{Floor: sound, Start: 800_000, Ceiling: 1_400_000}
	for _, camera := range []struct {
		width, height int
		rate          float64
	}{{1280, 720, 30}, {1280, 720, 25}, {1280, 720, 15}, {640, 480, 30}, {320, 240, 15}} {
		for _, way := range []struct {
			capacity Rate
			pictures bool
			drained  time.Duration // when what the queue held at the cut has gone by
			audio    time.Duration
		}{{75_000, false, at(60), 400 * time.Millisecond}, {90_000, false, at(40), 300 * time.Millisecond}, {200_000, true, at(30), 300 * time.Millisecond}} {
			t.Run(fmt.Sprintf("%dx%d at %.0f, %.0f kbit/s", camera.width, camera.height, camera.rate, way.capacity/1000), func(t *testing.T) {
				for seed := range uint64(8) {
					ladder := NewLadder(camera.width, camera.height, camera.rate, 40_000, 1_200_000)
					s := driveLadder(seed, o, 1_200_000, ladder, at(120),
						weather{capacity: 2_000_000, queue: 60_000, trip: trip},
						weather{from: at(20), capacity: way.capacity, queue: 60_000, trip: trip},
						weather{from: at(100), capacity: 2_000_000, queue: 60_000, trip: trip})
					_, audio, frames, _ := between(s, way.drained, at(100))
					if audio > way.audio || way.pictures != (float64(frames) > 4*(at(100)-way.drained).Seconds()) {
						t.Errorf("seed %d: sound %v late, %d pictures", seed, audio, frames)
					}
					if video, _, _, _ := between(s, at(110), at(120)); video < 700_000 {
						t.Errorf("seed %d: %.0f kbit/s of pictures, 10 to 20 s after the way has become wide", seed, video/1000)
					}
					if t.Failed() {
						show(t, s, 10)
						return
					}
				}
			})
		}
	}
}

// TestOutage: after some seconds of nothing pictures are there at once, and of full size:
// what was lost in them is no loss of the way, and the ladder is not climbed from its foot.
func TestOutage(t *testing.T) {
	const sound = 42_000
	o := Options{Floor: sound, Start: 800_000, Ceiling: 2_500_000}
	for seed := range uint64(24) {
		ladder := NewLadder(1280, 720, 25, 100_000, 2_400_000)
		s := driveLadder(seed, o, 2_400_000, ladder, at(40),
			weather{capacity: 2_500_000, queue: 60_000, trip: trip},
			weather{from: at(20), down: true},
			weather{from: at(25), capacity: 2_500_000, queue: 60_000, trip: trip})
		if _, _, frames, lost := between(s, at(25)+500*time.Millisecond, at(28)); frames < 50 || lost > 0.02 {
			t.Errorf("seed %d: %d pictures from half a second to 3 s after the outage, a loss of %.0f %%", seed, frames, 100*lost)
		}
		if video, _, _, _ := between(s, at(30), at(32)); video < 1_800_000 {
			t.Errorf("seed %d: %.0f kbit/s of pictures 5 s after the outage", seed, video/1000)
		}
		if t.Failed() {
			show(t, s, 10)
			return
		}
	}
}

// TestStandsStill: a picture that needs little is no reason to ask for little, and no
// evidence for much.
func TestStandsStill(t *testing.T) {
	s := drive(1, limits, 150_000, at(30), weather{capacity: 1_000_000, queue: 60_000, trip: trip})
	if last := s[len(s)-1].target; last < 300_000 || last > 1_100_000 {
		t.Errorf("the target is %.0f kbit/s after 30 s of 150 kbit/s on a way of 1000", last/1000)
	}
	if _, audio, _, _ := between(s, at(5), at(30)); audio > 100*time.Millisecond {
		t.Errorf("probes make sound %v late", audio)
	}
}

// TestBounds: whatever happens the target stays within its bounds.
func TestBounds(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 3))
		var way []weather
		for i := range 10 {
			way = append(way, weather{
				from: at(3 * i), capacity: Rate(50_000 + r.IntN(5_000_000)), queue: 2_000 + r.IntN(200_000),
				trip: time.Duration(r.IntN(300)) * time.Millisecond, jitter: time.Duration(r.IntN(200)) * time.Millisecond,
				loss: r.Float64() * r.Float64() * 0.5, burst: r.Float64() * 0.01, down: r.IntN(8) == 0,
			})
		}
		for _, one := range drive(seed, limits, 2_400_000, at(30), way...) {
			if one.target < limits.Floor || one.target > limits.Ceiling {
				t.Fatalf("seed %d: the target is %.0f bit/s", seed, one.target)
			}
		}
	}
}

// TestClocksThatLie: whatever a phone says of its clock is taken.
func TestClocksThatLie(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 5))
		c, now := New(limits), time.Duration(0)
		for range 60 {
			var list []Packet
			for range 1 + r.IntN(8) {
				now += time.Duration(r.IntN(30)) * time.Millisecond
				list = append(list, Packet{Sent: now, Arrived: now + time.Duration(r.IntN(16_000)-8_000)*time.Millisecond, Size: 100 + r.IntN(1100), Lost: r.IntN(9) == 0})
			}
			c.Feedback(now+trip, list)
			if target := c.Target(); !(target >= limits.Floor && target <= limits.Ceiling) {
				t.Fatalf("seed %d: the target is %.0f bit/s", seed, target)
			}
		}
	}
	c := New(limits)
	for i := range 10 { // what was sent last came long before what was sent before it
		at := time.Duration(i) * time.Second
		c.Feedback(at+time.Second, []Packet{{Sent: at, Arrived: at + 300*time.Millisecond, Size: 100}, {Sent: at + 10*time.Millisecond, Arrived: at + 50*time.Millisecond, Size: 100}})
	}
}

func TestCeiling(t *testing.T) {
	c := New(limits)
	c.SetCeiling(500_000)
	if got := c.Target(); got != 500_000 {
		t.Errorf("the target is %.0f under a ceiling of 500000", got)
	}
	c.SetCeiling(1)
	if got := c.Target(); got != limits.Floor {
		t.Errorf("the target is %.0f under a ceiling below the floor", got)
	}
}

func BenchmarkFeedback(b *testing.B) {
	c := New(limits)
	packets := make([]Packet, 40)
	now := time.Duration(0)
	for b.Loop() {
		for i := range packets {
			now += 2500 * time.Microsecond
			packets[i] = Packet{Sent: now, Arrived: now + trip, Size: 1100}
		}
		c.Feedback(now+trip, packets)
	}
}

func Example() {
	c := New(Options{Floor: 100_000, Start: 800_000, Ceiling: 2_500_000})
	c.Feedback(120*time.Millisecond, []Packet{
		{Sent: 0, Arrived: 1020 * time.Millisecond, Size: 1200},
		{Sent: 20 * time.Millisecond, Arrived: 1040 * time.Millisecond, Size: 1200},
	})
	fmt.Printf("%.0f kbit/s\n", c.Target()/1000)
	// Output: 800 kbit/s
}
