package jpeg

import (
	"bytes"
	"image"
	"image/jpeg"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What decoding a picture of 1280x720 may cost: on a PC, and where a machine is slower or
// busy, as a share of what Go's own decoder needs for it at the same time.
const (
	decodeCost  = 2 * time.Millisecond
	decodeShare = 0.3
)

// round is how many pictures tell what one costs, otherRound how many of Go's decoder.
const round, otherRound = 50, 10

// BenchmarkDecode decodes one 1280x720 picture an iteration. It fails where one costs more
// than decodeCost and decodeShare: the median of the processor time of a round, in the best
// of the rounds. What other programs use does not count, but a core and a cache that are
// shared with them do less in the same time.
func BenchmarkDecode(b *testing.B) {
	hd := read(b, "hd422.jpg")
	m, err := jpeg.Decode(bytes.NewReader(hd))
	if err != nil {
		b.Fatal(err)
	}
	var hd420 bytes.Buffer
	if err := jpeg.Encode(&hd420, m, nil); err != nil {
		b.Fatal(err)
	}
	for name, p := range map[string][]byte{"422": hd, "420": hd420.Bytes()} {
		b.Run(name, func(b *testing.B) {
			d, err := NewDecoder()
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			dst := image.NewYCbCr(m.Bounds(), image.YCbCrSubsampleRatio420)
			var each, others []time.Duration
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for b.Loop() {
				before := threadTime(b)
				if err := d.Decode(dst, p); err != nil {
					b.Fatal(err)
				}
				if each = append(each, threadTime(b)-before); len(each)%(round/otherRound) > 0 {
					continue
				}
				before = threadTime(b)
				if _, err := jpeg.Decode(bytes.NewReader(p)); err != nil {
					b.Fatal(err)
				}
				others = append(others, threadTime(b)-before)
			}
			cost, share := time.Hour, 1.0
			for len(each) >= round {
				one, other := median(each[:round]), median(others[:otherRound])
				cost, share = min(cost, one), min(share, one.Seconds()/other.Seconds())
				each, others = each[round:], others[otherRound:]
			}
			if cost == time.Hour {
				return // less than a round says nothing
			}
			b.ReportMetric(float64(cost.Nanoseconds()), "cpu-ns/op")
			b.ReportMetric(share, "of-Go's")
			if cost > decodeCost && share > decodeShare {
				b.Errorf("a picture costs %v of CPU, want at most %v; it is %.2f of Go's decoder, want at most %.2f", cost, decodeCost, share, decodeShare)
			}
		})
	}
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2]
}

// threadTime is what this thread has used.
func threadTime(b *testing.B) time.Duration {
	b.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// TestAllocations: in the steady state there are none.
func TestAllocations(t *testing.T) {
	d, err := NewDecoder()
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, name := range []string{"420.jpg", "422.jpg", "444.jpg", "440.jpg", "411.jpg", "grey.jpg", "odd422.jpg"} {
		p := read(t, name)
		want := reference(t, p)
		dst := frame(want.Rect.Dx(), want.Rect.Dy())
		if n := testing.AllocsPerRun(20, func() {
			if err := d.Decode(dst, p); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: a picture allocates %v times", name, n)
		}
	}
}
