package daemon

import (
	"strings"

	"callbox/daemon/control"
	"callbox/media"
)

// linkMetrics are how picture and sound of the running talk are; outside a talk they
// have no samples, and counters begin anew with each call.
func (l *loop) linkMetrics() []control.Metric {
	var stats media.Stats
	talking := l.cur != nil && l.cur.leg.talking && l.state.Phase.Active() && l.cur.leg.session != nil
	if talking {
		stats = l.cur.leg.session.Stats()
	}
	metric := func(name, help string, samples ...control.Sample) control.Metric {
		if !talking {
			samples = nil
		}
		return control.Metric{Name: "callbox_talk_" + name, Help: help + " Of the running talk.", Samples: samples}
	}
	one := func(v float64) control.Sample { return control.Sample{Value: v} }
	ways := func(up, down float64) []control.Sample {
		return []control.Sample{
			{Labels: [][2]string{{"way", "up"}}, Value: up},
			{Labels: [][2]string{{"way", "down"}}, Value: down},
		}
	}
	return []control.Metric{
		metric("bitrate", "Bits of RTP in the last second, by way.", ways(float64(stats.BitrateUp), float64(stats.BitrateDown))...),
		metric("loss_ratio", "Share of packets that were lost, 0 to 1, by way.", ways(stats.LossUp, stats.LossDown)...),
		metric("round_trip_seconds", "Round trip to the phone.", one(stats.RTTMilliseconds/1000)),
		metric("jitter_seconds", "Interarrival jitter of the sound (RFC 3550, section 6.4.1), by way.", ways(stats.JitterUp/1000, stats.JitterDown/1000)...),
		metric("playout_delay_seconds", "By how much sound is held back, so that nearly no packet comes too late.", one(stats.AudioDelay/1000)),
		metric("concealed_seconds", "Sound that was made up because its packets were lost.", one(concealed(stats))),
		metric("sound_underruns", "Times that the sound device was served too late.", one(float64(stats.AudioUnderruns))),
		metric("frame_rate", "Pictures that were sent in the last second.", one(stats.VideoFrameRate)),
		metric("frames_sent", "Pictures that were sent.", one(float64(stats.VideoFramesSent))),
		metric("camera_frames_bad", "Pictures of the camera that were damaged, and skipped.", one(float64(stats.CameraFramesBad))),
		metric("camera_frames_late", "Pictures of the camera that the device was too slow for.", one(float64(stats.CameraFramesLate))),
		metric("frames_decoded", "Pictures of the phone that were shown.", one(float64(stats.VideoFramesDecoded))),
		metric("freezes", "Times that the phone's picture stood still.", one(float64(stats.VideoFreezes))),
		metric("info", "The codecs of pictures, what encodes them, and the kinds of the candidate pair; the value is always 1.", control.Sample{Labels: [][2]string{
			{"codec", stats.VideoCodec}, {"encoder", stats.VideoEncoder}, {"received", stats.VideoReceivedCodec}, {"local", kindOf(stats.LocalCandidate)}, {"remote", kindOf(stats.RemoteCandidate)},
		}, Value: 1}),
	}
}

// kindOf is what kind of way an end of the selected pair is: host, srflx, prflx or
// relay; "" while there is none. No metric has an address.
func kindOf(candidate string) string {
	kind, _, _ := strings.Cut(candidate, " ")
	return kind
}
