//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"callbox/daemon/control/client"
	"callbox/media"
)

// countEvery is how often the device is asked what it has counted.
const countEvery = 50 * time.Millisecond

// counted is one of the counts of the device's call over time.
type counted struct {
	stop context.CancelFunc
	done chan struct{}
	list []countedAt // read only after done
	err  error

	starved *starved // time that makes no gap; nil: all does
}

// countedAt is one answer of the device, which was made between asked and got.
type countedAt struct {
	asked, got time.Time
	count      uint64
}

// watchDecoded counts the phone's pictures that the device has decoded.
func (d *device) watchDecoded() *counted {
	d.t.Helper()
	return d.watchCount(func(s media.Stats) uint64 { return s.VideoFramesDecoded })
}

// watchCount starts to ask the device, over its socket.
func (d *device) watchCount(count func(media.Stats) uint64) *counted {
	d.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w := &counted{stop: stop, done: make(chan struct{})}
	api := client.New(d.socket)
	go func() {
		defer close(w.done)
		tick := time.NewTicker(countEvery)
		defer tick.Stop()
		for {
			at := countedAt{asked: time.Now()}
			s, err := api.Status(ctx)
			at.got = time.Now()
			if ctx.Err() != nil {
				return
			}
			var stats media.Stats
			if err == nil && s.Call != nil {
				err = json.Unmarshal(s.Call.Media, &stats)
			}
			if err != nil {
				w.err = err
				return
			}
			at.count = count(stats)
			w.list = append(w.list, at)
			<-tick.C
		}
	}()
	d.t.Cleanup(func() { stop(); <-w.done })
	return w
}

// since1970 is a time in seconds.
func since1970(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// end stops asking, and returns the answers.
func (w *counted) end(t *testing.T) []countedAt {
	t.Helper()
	w.stop()
	<-w.done
	if w.err != nil {
		t.Fatalf("the device does not tell what it has counted: %v", w.err)
	}
	return w.list
}

// check stops asking. It wants the count to have grown for that many seconds
// without standing still for longer than maxGap, and returns the longest time for
// which it provably stood still.
func (w *counted) check(t *testing.T, seconds float64, maxGap time.Duration) time.Duration {
	t.Helper()
	w.end(t)
	n := len(w.list)
	if n < 2 || w.list[n-1].got.Sub(w.list[0].got).Seconds() < seconds {
		t.Fatalf("the device has told %d times how many pictures it has decoded: not for %g s", n, seconds)
	}
	// Who is asked too seldom hides gaps.
	if span := w.list[n-1].got.Sub(w.list[0].got); n < int(span/(2*countEvery)) {
		t.Errorf("the device has told only %d times in %v how many pictures it has decoded", n, span)
	}
	var longest time.Duration
	since := w.list[0]
	for _, at := range w.list {
		if at.count != since.count {
			since = at
		}
		stood := at.asked.Sub(since.got)
		if w.starved != nil && stood > maxGap {
			stood -= time.Duration(w.starved.between(since1970(since.got), since1970(at.asked)) * float64(time.Second))
		}
		longest = max(longest, stood)
	}
	if longest > maxGap {
		t.Errorf("the device decoded no picture for %v, want at most %v", longest, maxGap)
	}
	if frames := w.list[n-1].count - w.list[0].count; float64(frames) < 5*seconds {
		t.Errorf("the device decoded only %d pictures in %g s", frames, seconds)
	}
	return longest
}
