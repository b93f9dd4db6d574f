package phonepeer

import (
	"encoding/json"
	"net"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	"callbox/signaling"
	"callbox/signaling/cause"
)

// doorLeg is the device's end of one call's media.
type doorLeg struct {
	door     *door
	room     signaling.RoomKey
	pc       *webrtc.PeerConnection
	channel  *webrtc.DataChannel
	audio    *webrtc.TrackLocalStaticSample
	video    *webrtc.TrackLocalStaticSample
	answer   string
	counts   counters
	frames   chan string
	sending  sync.WaitGroup
	closed   bool // door.mu guards it
	stop     chan struct{}
	accepted chan struct{}
	up       chan struct{}
}

// answer makes the device's end of the media. The test goes on with ring or Reject.
func (d *door) answer(o signaling.Offer) {
	s := webrtc.SettingEngine{}
	s.SetIncludeLoopbackCandidate(true)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	s.SetIPFilter(net.IP.IsLoopback)
	s.SetPrflxAcceptanceMinWait(0)
	s.SetICETimeouts(time.Second, 10*time.Second, 200*time.Millisecond)
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil {
		d.t.Error(err)
	}
	m := &webrtc.MediaEngine{}
	registering, codec := m.RegisterDefaultCodecs, vp8Codec()
	if d.codec != "" {
		registering = func() error { return register(m, []string{d.codec}) }
	}
	if d.codec == CodecH264 {
		codec = h264Codec()
	}
	if err := registering(); err != nil {
		d.t.Error(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		d.t.Error(err)
		return
	}
	l := &doorLeg{door: d, room: o.Room, pc: pc, frames: make(chan string, 100), stop: make(chan struct{}),
		accepted: make(chan struct{}), up: make(chan struct{})}
	l.audio, _ = webrtc.NewTrackLocalStaticSample(opusCodec(), "audio", "door")
	l.video, _ = webrtc.NewTrackLocalStaticSample(codec, "video", "door")
	tracks := []webrtc.TrackLocal{l.audio}
	if o.RoomType == signaling.Video {
		tracks = append(tracks, l.video)
	}
	for _, track := range tracks {
		if _, err := pc.AddTrack(track); err != nil {
			d.t.Error(err)
		}
	}
	negotiated, id := true, uint16(0)
	l.channel, err = pc.CreateDataChannel("callbox", &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
	if err != nil {
		d.t.Error(err)
	}
	l.channel.OnMessage(func(m webrtc.DataChannelMessage) {
		if frame := d.ReceiveFrame(o.Room, m.Data); frame != nil {
			l.send(frame)
		}
		l.frames <- string(m.Data)
	})
	pc.OnICECandidate(func(c *webrtc.ICECandidate) {
		if c == nil {
			d.Candidates(o.Room, nil, true)
			return
		}
		text, err := json.Marshal(c.ToJSON())
		if err != nil {
			d.t.Error(err)
		}
		d.Candidates(o.Room, [][]byte{text}, false)
	})
	var once sync.Once
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(l.up) })
		}
	})
	pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		count := &l.counts.audio
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			count = &l.counts.video
		}
		count.begin(track.Codec().RTPCodecCapability)
		for {
			p, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			count.add(&p.Header, p.Payload, 1)
		}
	})
	d.mu.Lock()
	d.legs[o.Room] = l
	d.mu.Unlock()
	l.answer = l.describe(o.SDP)
}

// describe answers an offer.
func (l *doorLeg) describe(offer string) string {
	if err := l.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		l.door.t.Error(err)
		return ""
	}
	answer, err := l.pc.CreateAnswer(nil)
	if err != nil {
		l.door.t.Error(err)
		return ""
	}
	if err := l.pc.SetLocalDescription(answer); err != nil {
		l.door.t.Error(err)
	}
	return answer.SDP
}

func (l *doorLeg) send(frame []byte) {
	if l.channel.ReadyState() != webrtc.DataChannelStateOpen {
		return // the signed message comes, too
	}
	if err := l.channel.SendText(string(frame)); err != nil {
		l.door.t.Logf("frame: %v", err)
	}
}

func (l *doorLeg) close() {
	l.door.mu.Lock()
	l.closed = true
	l.door.mu.Unlock()
	close(l.stop)
	l.sending.Wait()
	for range 100 { // as in peerLeg.settle
		if l.channel.ReadyState() != webrtc.DataChannelStateConnecting || l.pc.ConnectionState() != webrtc.PeerConnectionStateConnected {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err := l.pc.GracefulClose(); err != nil {
		l.door.t.Error(err)
	}
}

// ring rings for the next offer and returns its leg.
func (d *door) ring() *doorLeg {
	d.t.Helper()
	o := waitFor[signaling.Offer](d)
	l := d.leg(o.Room)
	d.Ringing(o.Room, l.answer, time.Minute)
	return l
}

// accept answers, and starts the talk when the media is connected.
func (l *doorLeg) accept(limit signaling.Limit) {
	l.door.t.Helper()
	if frame := l.door.Accept(l.room, l.answer, limit); frame != nil {
		l.send(frame)
	}
	select {
	case <-l.up:
	case <-time.After(15 * time.Second):
		l.door.t.Fatal("the device's media does not connect")
	}
	l.door.Start(l.room, limit)
	data := pictureFile
	if l.door.codec == CodecH264 {
		data = greyPictures()[0]
	}
	l.door.mu.Lock()
	defer l.door.mu.Unlock()
	if l.closed {
		return
	}
	l.sending.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-l.stop:
				return
			case <-tick.C:
			}
			_ = l.audio.WriteSample(media.Sample{Data: silence(), Duration: 20 * time.Millisecond})
			if n%5 == 0 {
				_ = l.video.WriteSample(media.Sample{Data: data, Duration: 100 * time.Millisecond})
			}
		}
	})
}

// bye ends the call from the device.
func (l *doorLeg) bye(end cause.End) {
	if frame := l.door.Bye(l.room, end); frame != nil {
		l.send(frame)
	}
}
