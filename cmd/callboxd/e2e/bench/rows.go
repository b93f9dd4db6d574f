package bench

// Row says what one line of the table is of.
type Row struct {
	Key   string // in the files
	What  string
	Unit  string
	Aim   Aim
	Ratio bool   // the aim is for the ratio to the peer
	How   string // what measures it, where make bench alone does not
}

// Aim is what is promised; the zero value promises nothing.
type Aim struct {
	kind aimKind
	bar  float64
}

type aimKind int

const (
	aimNone aimKind = iota
	aimMost
	aimLeast
	aimBelow
)

func most(v float64) Aim  { return Aim{aimMost, v} }
func least(v float64) Aim { return Aim{aimLeast, v} }
func below(v float64) Aim { return Aim{aimBelow, v} }

func (a Aim) met(v float64) bool {
	switch a.kind {
	case aimMost:
		return v <= a.bar
	case aimLeast:
		return v >= a.bar
	case aimBelow:
		return v < a.bar
	case aimNone:
	}
	return true
}

// What measures the rows that a run of make bench does not.
const (
	howLimit   = "make test-limit"
	howCalls   = "make test-calls"
	howNetwork = "make test-network"
	howEcho    = "make echo"
)

// Rows are the lines of the table, in its order.
var Rows = []Row{
	{Key: "first.network.p50", What: "accept to first picture, network ready while it rings: median", Unit: "ms"},
	{Key: "first.network.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(350)},
	{Key: "first.media.p50", What: "accept to first picture, media ready while it rings: median", Unit: "ms"},
	{Key: "first.media.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(150)},

	{Key: "latency.h264.p50", What: "capture to presented, H.264 720p30: median", Unit: "ms", Aim: most(50)},
	{Key: "latency.h264.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(70)},
	{Key: "latency.vp8.p50", What: "capture to presented, VP8 720p30: median", Unit: "ms", Aim: most(50)},
	{Key: "latency.vp8.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(70)},

	{Key: "cpu.h264", What: "processor time of a call, H.264 720p30", Unit: "% of a core", Aim: most(1), Ratio: true},
	{Key: "cpu.vp8", What: "processor time of a call, VP8 720p30", Unit: "% of a core", Aim: most(1), Ratio: true},
	{Key: "pss.h264", What: "memory in that call, H.264, shared pages by their share (PSS)", Unit: "MiB", Aim: most(0.8), Ratio: true},
	{Key: "pss.vp8", What: "memory in that call, VP8 (PSS)", Unit: "MiB", Aim: most(0.8), Ratio: true},
	{Key: "rss.h264", What: "memory in that call, H.264, resident (RSS)", Unit: "MiB", Aim: most(0.8), Ratio: true},
	{Key: "rss.vp8", What: "memory in that call, VP8 (RSS)", Unit: "MiB", Aim: most(0.8), Ratio: true},
	{Key: "peak.h264", What: "the most in that call, H.264 (RSS)", Unit: "MiB", Aim: most(0.8), Ratio: true},
	{Key: "peak.vp8", What: "the most in that call, VP8 (RSS)", Unit: "MiB", Aim: most(0.8), Ratio: true},
	{Key: "pictures.h264", What: "alike? pictures that Chromium presented, H.264", Unit: "1/s"},
	{Key: "pictures.vp8", What: "alike? pictures that Chromium presented, VP8", Unit: "1/s"},
	{Key: "kbits.h264", What: "alike? bits that Chromium received of them, H.264", Unit: "kbit/s"},
	{Key: "kbits.vp8", What: "alike? bits that Chromium received of them, VP8", Unit: "kbit/s"},
	{Key: "cpu.default", What: "processor time of a call as configured by default: with echo cancellation", Unit: "% of a core"},
	{Key: "rss.default", What: "memory in that call (RSS)", Unit: "MiB"},

	{Key: "idle.rss", What: "memory of the idle daemon (RSS)", Unit: "MiB", Aim: most(20)},
	{Key: "idle.cpu", What: "processor time of the idle daemon", Unit: "% of a core", Aim: below(0.2)},

	{Key: "limit.p99_ms", What: "end after the limit, twice as many busy threads as cores: 99 of 100", Unit: "ms", Aim: most(50), How: howLimit},
	{Key: "limit.packets", What: "packets after the limit", Aim: most(0), How: howLimit},
	{Key: "limit.calls", What: "calls of that test", How: howLimit},
	{Key: "limit.idle_ms", What: "end after the limit, ten calls, no load but what the machine has: the latest", Unit: "ms", Aim: most(50)},

	{Key: "echo.speex.loss", What: "echo, speex (the default): return loss, the worst from 2 s on", Unit: "dB", Aim: least(30), How: howEcho},
	{Key: "echo.speex.sdr", What: "the same, while both talk: SDR of the person at the device, the worst", Unit: "dB", Aim: least(6), How: howEcho},
	{Key: "echo.webrtc.loss", What: "echo, webrtc: return loss, the worst from 2 s on", Unit: "dB", How: howEcho},
	{Key: "echo.webrtc.sdr", What: "the same, while both talk: SDR of the person at the device, the worst", Unit: "dB", How: howEcho},

	{Key: "network.cut.freeze", What: "2.5, 0.8, 2.5 Mbit/s: longest freeze", Unit: "s", Aim: most(1), How: howNetwork},
	{Key: "network.cut.frozen", What: "the same: frozen altogether, as Chromium counts", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.cut.concealed", What: "the same: sound concealed", Unit: "%", Aim: most(5), How: howNetwork},
	{Key: "network.cut.broken", What: "the same: longest that sound was concealed in a row", Unit: "s", Aim: most(0.3), How: howNetwork},
	{Key: "network.cut.latency.p50", What: "the same: capture to presented: median", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.cut.latency.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.cut.back", What: "the same: full quality again after", Unit: "s", Aim: most(10), How: howNetwork},
	{Key: "network.narrow.freeze", What: "0.8, 0.4 Mbit/s: longest freeze", Unit: "s", Aim: most(1), How: howNetwork},
	{Key: "network.narrow.frozen", What: "the same: frozen altogether", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.narrow.concealed", What: "the same: sound concealed", Unit: "%", Aim: most(5), How: howNetwork},
	{Key: "network.narrow.broken", What: "the same: longest that sound was concealed in a row", Unit: "s", Aim: most(0.3), How: howNetwork},
	{Key: "network.narrow.latency.p50", What: "the same: capture to presented: median", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.narrow.latency.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.alone.concealed", What: "2.5, 0.1, 2.5 Mbit/s, where sound is alone: sound concealed", Unit: "%", Aim: most(5), How: howNetwork},
	{Key: "network.alone.trip", What: "the same: there and back", Unit: "ms", Aim: most(400), How: howNetwork},
	{Key: "network.alone.buffer", What: "the same: sound waits in the phone", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.alone.pictures", What: "the same: pictures again after", Unit: "s", Aim: most(10), How: howNetwork},
	{Key: "network.loss5.concealed", What: "5 % loss: sound concealed", Unit: "%", Aim: most(5), How: howNetwork},
	{Key: "network.loss5.freeze", What: "the same: longest freeze", Unit: "s", Aim: most(1), How: howNetwork},
	{Key: "network.loss5.frozen", What: "the same: frozen altogether, in 20 s", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.loss5.latency.p50", What: "the same: capture to presented: median", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.loss5.latency.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.loss10.concealed", What: "10 % loss: sound concealed", Unit: "%", Aim: most(5), How: howNetwork},
	{Key: "network.loss10.freeze", What: "the same: longest freeze", Unit: "s", Aim: most(1), How: howNetwork},
	{Key: "network.loss10.frozen", What: "the same: frozen altogether, in 20 s", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.loss10.latency.p50", What: "the same: capture to presented: median", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.loss10.latency.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.bursts.concealed", What: "bursts of loss: sound concealed", Unit: "%", Aim: most(5), How: howNetwork},
	{Key: "network.bursts.freeze", What: "the same: longest freeze", Unit: "s", Aim: most(1), How: howNetwork},
	{Key: "network.bursts.frozen", What: "the same: frozen altogether, in 20 s", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.bursts.latency.p50", What: "the same: capture to presented: median", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.bursts.latency.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.jitter.concealed", What: "300 ms of jitter: sound concealed", Unit: "%", Aim: most(5), How: howNetwork},
	{Key: "network.jitter.freeze", What: "the same: longest freeze", Unit: "s", Aim: most(1), How: howNetwork},
	{Key: "network.jitter.frozen", What: "the same: frozen altogether, in 20 s", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.jitter.latency.p50", What: "the same: capture to presented: median", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.jitter.latency.p95", What: "the same, 95 of 100", Unit: "ms", Aim: most(1000), How: howNetwork},
	{Key: "network.outage.pictures", What: "nothing passes for 5 s: pictures again after", Unit: "s", Aim: most(3), How: howNetwork},
	{Key: "network.outage.back", What: "the same: full quality again after", Unit: "s", Aim: most(10), How: howNetwork},
	{Key: "network.outage.sound", What: "the same: sound at the phone again after", Unit: "s", Aim: most(3), How: howNetwork},
	{Key: "network.outage.played", What: "the same: sound at the device again after", Unit: "s", Aim: most(3), How: howNetwork},
	{Key: "network.phone", What: "the phone's address changes: pictures again after", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.phone.noticed", What: "of that, after its browser saw the new address", Unit: "s", Aim: most(0.5), How: howNetwork},
	{Key: "network.phone.sound", What: "the same: sound at the phone again after", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.phone.played", What: "the same: sound at the device again after", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.device", What: "the device's address changes, without a broker: pictures again after", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.device.sound", What: "the same: sound at the phone again after", Unit: "s", Aim: most(2), How: howNetwork},
	{Key: "network.device.played", What: "the same: sound at the device again after", Unit: "s", Aim: most(2), How: howNetwork},

	{Key: "calls.heap", What: "1,000 calls in a row: heap after them, over that of the warm daemon", Unit: "%", Aim: most(5), How: howCalls},
	{Key: "calls.own", What: "the same: memory of its own (no file behind it) more", Unit: "MiB", Aim: most(2), How: howCalls},
	{Key: "calls.goroutines", What: "the same: goroutines more", Aim: most(0), How: howCalls},
	{Key: "calls.descriptors", What: "the same: descriptors more", Aim: most(0), How: howCalls},
}

func row(key string) (Row, bool) {
	for _, r := range Rows {
		if r.Key == key {
			return r, true
		}
	}
	return Row{}, false
}
