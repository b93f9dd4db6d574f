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

// decodeCost is what decoding a picture of 1280x720 may cost on a PC.
const decodeCost = 2 * time.Millisecond

// round is how many pictures tell what one costs.
const round = 50

// BenchmarkDecode decodes one 1280x720 picture an iteration. It fails where one costs more
// than decodeCost: the median of the processor time of a round, in the best of the rounds.
// Other programs on the machine do not count, but they throw this one out of the caches.
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
			var each []time.Duration
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for b.Loop() {
				before := threadTime(b)
				if err := d.Decode(dst, p); err != nil {
					b.Fatal(err)
				}
				each = append(each, threadTime(b)-before)
			}
			cost := time.Hour
			for pictures := range slices.Chunk(each[len(each)%round:], round) { // whole rounds
				slices.Sort(pictures)
				cost = min(cost, pictures[len(pictures)/2])
			}
			if len(each) < round {
				return // it says nothing
			}
			b.ReportMetric(float64(cost.Nanoseconds()), "cpu-ns/op")
			if cost > decodeCost {
				b.Errorf("a picture costs %v of CPU, want at most %v", cost, decodeCost)
			}
		})
	}
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
