//go:build e2e && bench

package e2e

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"callbox/cmd/callboxd/e2e/bench"
	"callbox/hal"
)

const (
	benchBitrate = 1_200_000        // bit/s, media.video_bitrate by default
	benchSettle  = 10 * time.Second // until the sender has found its rate
)

// sending is what a call costs its sender, and what the browser gets for it.
type sending struct {
	cpu            float64 // % of a core
	rss, pss, peak float64 // MiB: the medians, and the largest rss
	pictures       float64 // presented a second, as the browser counts
	kbits          float64 // of video received a second
	p50, p95       float64 // ms from capture to presented
	whole          bool    // the pictures had their full size: the machine had time for the call
}

func (s sending) String() string {
	return fmt.Sprintf("%4.1f %% of a core, %4.1f MiB resident (%4.1f PSS), %4.1f pictures/s, %4.0f kbit/s, %3.0f and %3.0f ms, full size: %v",
		s.cpu, s.rss, s.pss, s.pictures, s.kbits, s.p50, s.p95, s.whole)
}

// watchSending measures the call that goes on, once it has settled.
func watchSending(t *testing.T, p *phone, pid int) sending {
	t.Helper()
	time.Sleep(benchSettle)
	p.watchVideo()
	before, received := usageOf(t, pid), p.received()
	began := time.Now()
	var rss, pss []float64
	for time.Since(began) < *benchSpan {
		time.Sleep(2 * time.Second)
		m := footprintOf(t, pid)
		rss, pss = append(rss, m.rss), append(pss, m.pss)
	}
	after := p.received()
	s := sending{
		cpu:   usageOf(t, pid).since(before),
		kbits: (after.Bytes - received.Bytes) * 8 / (after.At - received.At), pictures: 1e3 * (after.Pictures - received.Pictures) / (after.At - received.At),
		rss: bench.Quantile(rss, 0.5), pss: bench.Quantile(pss, 0.5), peak: bench.Quantile(rss, 1),
	}
	list := p.seen()
	s.whole = received.Height == 720 && after.Height == 720 && len(list) > 1
	offset := bootOffset()
	var latency []float64
	for _, l := range list {
		if l.Stamp > 0 {
			latency = append(latency, (l.At+offset-l.Stamp)*1e3)
		}
	}
	if s.whole && len(latency)*10 < len(list)*9 {
		t.Fatalf("%d of %d pictures have no readable time stamp", len(list)-len(latency), len(list))
	}
	s.p50, s.p95 = bench.Quantile(latency, 0.5), bench.Quantile(latency, 0.95)
	return s
}

// receivedVideo is what the phone has got in the newest call.
type receivedVideo struct {
	At       float64 `json:"at"` // ms
	Bytes    float64 `json:"bytes"`
	Pictures float64 `json:"pictures"` // presented
	Height   int     `json:"height"`
}

func (p *phone) received() receivedVideo {
	p.t.Helper()
	return eval[receivedVideo](p, `(async () => {
		const video = document.querySelector('[data-testid="remote-video"]');
		let bytes = 0;
		for (const s of (await window.peers[window.peers.length - 1].getStats()).values())
			if (s.type === "inbound-rtp" && s.kind === "video") bytes += s.bytesReceived;
		const q = video.getVideoPlaybackQuality();
		return { at: performance.now(), bytes, pictures: q.totalVideoFrames - q.droppedVideoFrames, height: video.videoHeight };
	})()`)
}

// keepPeersFrom lets the phone's next page and all after it keep their connections
// for received.
func keepPeersFrom(t *testing.T, p *phone) {
	t.Helper()
	if _, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: keepPeers}); err != nil {
		t.Fatal(err)
	}
}

// benchBeside compares callbox with the peer, call by call in turn: the same pictures,
// encoder and settings, the same browser. Neither cleans the microphone's sound. A round
// in which either had to send smaller pictures does not count, and is played again.
func benchBeside(t *testing.T, set *bench.Set, codec string) {
	clip := filepath.Join(t.TempDir(), "pictures")
	writeClip(t, clip, hal.VideoMode{Width: 1280, Height: 720, FrameRate: 30})
	peer := startPeerPage(t)
	d := startMeasured(t, deviceOptions{
		tone: 440, width: 1280, height: 720, rate: 30, noDisplay: true, quiet: true, asUnit: true,
		media: "  video_codecs: [" + codec + "]\n  sound: {echo: \"off\", noise_suppression: false}",
	})
	p := startPhone(t, phoneOptions{tone: 600, width: 1280, height: 800})
	keepPeersFrom(t, p)
	p.pair(d, "Anna")

	once := startPeerCall(t, p, peer, clip, codec) // for what it maps in a call
	files := mappedFiles(t, once.cmd.Process.Pid)
	once.end()
	asAfterBoot(t, files)

	var own, others []sending
	for try := 0; len(own) < *benchRounds; try++ {
		if try == 2**benchRounds {
			t.Fatalf("%d of %d rounds had pictures of full size: the machine is too busy", len(own), try)
		}
		p.open(d.page())
		p.ringAndAnswer(t, d)
		ours := watchSending(t, p, d.pid())
		p.hangUp(d)

		c := startPeerCall(t, p, peer, clip, codec)
		theirs := watchSending(t, p, c.cmd.Process.Pid)
		c.end()
		t.Logf("%s\ncallbox %v\npeer    %v", codec, ours, theirs)
		if ours.whole && theirs.whole {
			own, others = append(own, ours), append(others, theirs)
		}
	}
	for key, get := range map[string]func(s sending) float64{
		"cpu." + codec:              func(s sending) float64 { return s.cpu },
		"rss." + codec:              func(s sending) float64 { return s.rss },
		"pss." + codec:              func(s sending) float64 { return s.pss },
		"peak." + codec:             func(s sending) float64 { return s.peak },
		"pictures." + codec:         func(s sending) float64 { return s.pictures },
		"kbits." + codec:            func(s sending) float64 { return s.kbits },
		"latency." + codec + ".p50": func(s sending) float64 { return s.p50 },
		"latency." + codec + ".p95": func(s sending) float64 { return s.p95 },
	} {
		add(t, set, key, all(own, get), all(others, get))
	}
}

func all(list []sending, get func(sending) float64) []float64 {
	var out []float64
	for _, s := range list {
		out = append(out, get(s))
	}
	return out
}
