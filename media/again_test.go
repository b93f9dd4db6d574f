package media

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

// TestAgain: a packet of pictures that the phone asks for (RFC 4585, 6.2.1) comes again, on
// the stream for that (RFC 4588).
func TestAgain(t *testing.T) {
	p := newCuttablePhone(t, testEngine(t, nil), true)
	var asked, again atomic.Uint32 // a sequence number and 1; 0: none
	p.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		for {
			packet, attributes, err := track.ReadRTP()
			if err != nil {
				return
			}
			if asked.CompareAndSwap(0, uint32(packet.SequenceNumber)+1) {
				_ = p.pc.WriteRTCP([]rtcp.Packet{&rtcp.TransportLayerNack{ // until it is closed
					MediaSSRC: uint32(track.SSRC()), Nacks: []rtcp.NackPair{{PacketID: packet.SequenceNumber}},
				}})
			}
			if attributes.Get(webrtc.AttributeRtxSsrc) != nil {
				again.Store(uint32(packet.SequenceNumber) + 1)
			}
		}
	})
	if _, err := p.pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, listening); err != nil {
		t.Fatal(err)
	}
	p.take(p.answer())
	p.session.Accept(Limit{})
	p.eventually(10*time.Second, "a packet comes on the stream for retransmissions", func() bool { return again.Load() != 0 })
	if again.Load() != asked.Load() {
		t.Errorf("packet %d was asked for, %d came", asked.Load()-1, again.Load()-1)
	}
}
