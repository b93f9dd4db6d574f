package daemon

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"callbox/daemon/control"
	"callbox/media"
	"callbox/signaling"
)

// TestLinkMetrics: numbers while somebody talks, none before and after, and no
// addresses at all.
func TestLinkMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.stats = media.Stats{
			BitrateUp: 1_000_000, BitrateDown: 32_000, LossUp: 0.25, LossDown: 0.5, RTTMilliseconds: 40, AudioDelay: 30, JitterUp: 4, JitterDown: 5, VideoFramesSent: 11,
			AudioConcealed: 150, AudioUnderruns: 2, CameraFramesBad: 5, CameraFramesLate: 6, VideoFrameRate: 29, VideoFramesDecoded: 7, VideoFreezes: 3,
			VideoCodec: "h264", VideoEncoder: "openh264", VideoReceivedCodec: "vp8",
			LocalCandidate: "relay udp 192.0.2.1:1", RemoteCandidate: "host udp 192.0.2.2:2",
		}
		samples := func() map[string]float64 {
			t.Helper()
			list, err := ask(context.Background(), s.loop, func() ([]control.Metric, error) { return s.loop.linkMetrics(), nil })
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]float64{}
			for _, m := range list {
				if m.Counter {
					t.Errorf("%s is a counter, but begins anew with each call", m.Name)
				}
				for _, v := range m.Samples {
					got[fmt.Sprint(m.Name, v.Labels)] = v.Value
				}
			}
			return got
		}
		if got := samples(); len(got) != 0 {
			t.Errorf("before the first call: %v", got)
		}
		s.talk()
		want := map[string]float64{
			"callbox_talk_bitrate[[way up]]": 1_000_000, "callbox_talk_bitrate[[way down]]": 32_000,
			"callbox_talk_loss_ratio[[way up]]": 0.25, "callbox_talk_loss_ratio[[way down]]": 0.5,
			"callbox_talk_round_trip_seconds[]": 0.04, "callbox_talk_playout_delay_seconds[]": 0.03,
			"callbox_talk_jitter_seconds[[way up]]": 0.004, "callbox_talk_jitter_seconds[[way down]]": 0.005, "callbox_talk_frames_sent[]": 11,
			"callbox_talk_concealed_seconds[]": 1.5, "callbox_talk_sound_underruns[]": 2, "callbox_talk_camera_frames_bad[]": 5, "callbox_talk_camera_frames_late[]": 6,
			"callbox_talk_frame_rate[]": 29, "callbox_talk_frames_decoded[]": 7, "callbox_talk_freezes[]": 3,
			"callbox_talk_info[[codec h264] [encoder openh264] [received vp8] [local relay] [remote host]]": 1,
		}
		got := samples()
		for name, v := range want {
			if got[name] != v {
				t.Errorf("%s is %v, want %v", name, got[name], v)
			}
		}
		if len(got) != len(want) {
			t.Errorf("the samples are %v", got)
		}
		s.receive(signaling.Bye{Room: signaling.RoomKey{ID: "r", Phone: "anna"}})
		s.took()
		if got := samples(); len(got) != 0 {
			t.Errorf("after the call: %v", got)
		}
	})
}
