package daemon

import (
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/store"
	"callbox/media"
	"callbox/signaling"
)

func TestLinkMeans(t *testing.T) {
	var m linkMeans
	if m.link() != nil {
		t.Fatal("a talk without a look has a link")
	}
	start := time.Hour
	m.look(media.Stats{BitrateUp: 1_000_000, LossUp: 0.1, JitterUp: 2, LocalCandidate: "host udp 192.0.2.1:1", RemoteCandidate: "relay udp 192.0.2.2:2"}, start, 10*time.Second)
	m.look(media.Stats{BitrateUp: 2_000_000, BitrateDown: 64_000, LossDown: 0.5, RTTMilliseconds: 40, JitterUp: 4, JitterDown: 9}, start+time.Second, 10250*time.Millisecond)
	m.look(media.Stats{BitrateUp: 600_001, LossUp: 0.02, RTTMilliseconds: 80.04, VideoFreezes: 2, VideoFramesSent: 90, VideoCodec: "vp8"}, start+2*time.Second, 11*time.Second)
	m.counted(media.Stats{VideoFreezes: 3, VideoFramesSent: 95, CameraFramesBad: 2, CameraFramesLate: 4, VideoFramesDecoded: 40, AudioConcealed: 34, VideoCodec: "h264", VideoReceivedCodec: "vp8"})
	want := store.Link{
		SendBitrate: 1_200_000, ReceiveBitrate: 21_333, SendLoss: 0.04, SendLossWorst: 0.1, ReceiveLoss: 0.1667, ReceiveLossWorst: 0.5,
		RTTMilliseconds: 60, RTTMillisecondsWorst: 80, SendJitterMilliseconds: 2, ReceiveJitterMilliseconds: 3,
		FramesSent: 95, FramesSkipped: 6, FramesShown: 40, Freezes: 3, ConcealedSeconds: 0.34, SendCodec: "h264", ReceiveCodec: "vp8",
		LocalCandidate: "host", RemoteCandidate: "relay", CPU: 0.333,
	}
	if got := m.link(); *got != want {
		t.Errorf("link = %+v\nwant   %+v", *got, want)
	}
	if m.cpu != 0.75 {
		t.Errorf("the daemon used %v cores in the last second, want 0.75", m.cpu)
	}
}

// TestRecordHasLink: the record of a talk says how its media was, and that of a call
// without a talk says nothing.
func TestRecordHasLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		s.stats = media.Stats{BitrateUp: 1_000_000, LossUp: 0.25, RTTMilliseconds: 40, VideoCodec: "h264", LocalCandidate: "relay udp 192.0.2.1:1", RemoteCandidate: "host udp 192.0.2.2:2"}
		s.talk()
		s.emit(media.Lost{})
		time.Sleep(500 * time.Millisecond)
		s.emit(media.Back{})
		time.Sleep(3 * time.Second)
		s.receive(signaling.Bye{Room: signaling.RoomKey{ID: "r", Phone: "anna"}})
		s.took()
		records := s.records
		if len(records) != 1 || records[0].Link == nil {
			t.Fatalf("the records are %+v", records)
		}
		got := *records[0].Link
		got.CPU = 0
		if want := (store.Link{
			SendBitrate: 1_000_000, SendLoss: 0.25, SendLossWorst: 0.25, RTTMilliseconds: 40, RTTMillisecondsWorst: 40,
			SendCodec: "h264", LocalCandidate: "relay", RemoteCandidate: "host", Reconnects: 1,
		}); got != want {
			t.Errorf("link = %+v\nwant   %+v", got, want)
		}
	})
}
