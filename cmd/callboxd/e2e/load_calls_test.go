//go:build e2e && load

package e2e

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"callbox/cmd/callboxd/e2e/bench"
	"callbox/daemon/control"
	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

// thousandCalls are as many as the row of make bench is of.
const thousandCalls = 1000

var manyCalls = flag.Int("calls.many", thousandCalls, "calls of TestLoadCalls, at least 2")

// A daemon is warm when it keeps as many records, and as many past events for its API, as
// it ever will, and has been as busy as it will be: 168 calls are remembered at the pace
// of one in 0.7 s. A quiet daemon has forgotten all rooms: an ended one is remembered for
// two minutes.
const (
	warmCalls   = 200
	sampleCalls = 50
	callPace    = 700 * time.Millisecond
	forgetting  = 125 * time.Second
)

// TestLoadCalls makes call after call, each with sound and picture, in H.264 and VP8 in
// turns, and looks at what the daemon uses. It is flat when a quiet daemon uses as much after all of them as it did
// after the first 200. build/calls.svg shows all that was seen.
func TestLoadCalls(t *testing.T) {
	h := openHousehold(t, 1, deviceOptions{
		tone: 440, width: 160, height: 120, rate: 10, noDisplay: true, quiet: true,
		extra: "records: {keep: 100}\npolicy: {attempts_an_hour: 1000}",
	}, "Anna", "Ben", "Carl", "Dora", "Nobody")
	var list []figures
	var quiet []figures
	next := time.Now()
	for n := 1; n <= *manyCalls; n++ {
		time.Sleep(time.Until(next))
		next = time.Now().Add(callPace)
		turn := n % len(h.phones) // a device takes so many messages a second of one phone
		if codec := h.withMedia(h.phones[turn]); (codec == webrtc.MimeTypeVP8) != (turn%2 == 1) {
			t.Fatalf("the pictures of phone %d are %s", turn, codec)
		}
		if n%sampleCalls == 0 {
			list = append(list, h.figuresAfter(n))
		}
		if n == min(warmCalls, *manyCalls/2) || n == *manyCalls {
			time.Sleep(forgetting)
			quiet = append(quiet, h.figuresAfter(n))
		}
	}
	t.Logf("between two calls\n%s", table(list))
	t.Logf("when all rooms are forgotten\n%s", table(quiet))
	quiet[1].compare(t, quiet[0])
	file := filepath.Join("..", "..", "..", "build", "calls.svg")
	h.must(os.WriteFile(file, []byte(plotFigures(list, quiet)), 0o644))
	t.Logf("%s shows it", file)
	if *manyCalls < thousandCalls {
		t.Logf("%d calls: the figures are not kept for make bench, whose row is of %d", *manyCalls, thousandCalls)
		return
	}
	h.must(bench.WritePart(filepath.Join(filepath.Dir(file), "calls.json"), time.Now(), map[string]float64{
		"calls.heap": 100 * (quiet[1].heap/quiet[0].heap - 1), "calls.own": quiet[1].own - quiet[0].own,
		"calls.goroutines": float64(quiet[1].goroutines - quiet[0].goroutines), "calls.descriptors": float64(quiet[1].descriptors - quiet[0].descriptors),
	}))
}

// figuresAfter are those after n calls.
func (h *household) figuresAfter(n int) figures {
	h.t.Helper()
	f := h.figures()
	f.calls = n
	return f
}

// withMedia makes one call in which sound and picture come, and returns in which codec.
func (h *household) withMedia(p *phonepeer.Phone) (codec string) {
	h.t.Helper()
	c, err := p.Call(h.ctx, phonepeer.CallOptions{RoomType: message.Video, Tone: true})
	h.must(err)
	_, err = phonepeer.Await[phonepeer.Ringing](h.ctx, c)
	h.must(err)
	h.must(h.api.Answer(h.ctx, c.Room))
	_, err = phonepeer.Await[phonepeer.Started](h.ctx, c)
	h.must(err)
	eventually(h.t, soon, "sound and picture come", func() bool {
		s := c.Stats()
		return s.Audio.Packets > 5 && s.Video.FirstPicture > 0
	})
	c.HangUp(cause.ForceFromApp)
	ended, err := c.Wait(h.ctx)
	h.must(err)
	if ended.End != (cause.End{Cause: cause.Hangup, Origin: cause.ForceFromApp}) {
		h.t.Fatalf("call %s ended %+v", c.Room, ended)
	}
	h.find(c.Room, control.EventFinishVoip)
	return c.Stats().Video.Codec
}
