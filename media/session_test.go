package media

import (
	"errors"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/virtual"
)

// testEngine is a device with a test picture and a tone, on loopback.
func testEngine(t *testing.T, change func(*EngineOptions)) *Engine {
	t.Helper()
	clk := clock.Boot()
	tone, err := virtual.NewTone(700, true)
	if err != nil {
		t.Fatal(err)
	}
	o := EngineOptions{Options: DefaultOptions(), Clock: clk, Log: zerolog.Nop(), Devices: Devices{
		Camera: virtual.NewCamera(clk), CameraMode: hal.VideoMode{Width: 320, Height: 180, FrameRate: 20},
		Sound: virtual.NewSound(tone, virtual.NewSpeaker("")), Display: virtual.NewDisplay(""),
	}}
	o.ICE.Loopback = true
	if change != nil {
		change(&o)
	}
	e, err := NewEngine(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("Engine.Close: %v", err)
		}
	})
	return e
}

// leg is a session and the phone at its other end.
type leg struct {
	t       *testing.T
	session *Session
	phone   *webrtc.PeerConnection
	audio   atomic.Int64 // RTP packets that reached the phone
	video   atomic.Int64
	ssrc    atomic.Uint32 // of the video

	mu     sync.Mutex
	events []Event
	more   chan struct{}
}

// connect makes a session with a phone that only listens, up to the answer.
func connect(t *testing.T, e *Engine, video bool) *leg {
	t.Helper()
	return connectSpeaker(t, e, video, nil)
}

// connectSpeaker is connect with a phone that sends a track of sound.
func connectSpeaker(t *testing.T, e *Engine, video bool, sound webrtc.TrackLocal) *leg {
	t.Helper()
	return connectOver(t, e, video, sound, nil, webrtc.Configuration{})
}

// connectOver is connectSpeaker with ICE servers for the device, and for the phone.
func connectOver(t *testing.T, e *Engine, video bool, sound webrtc.TrackLocal, servers func() []ICEServer, phone webrtc.Configuration) *leg {
	t.Helper()
	l := &leg{t: t, more: make(chan struct{}, 1)}
	var err error
	if l.session, err = e.NewSession(SessionConfig{Room: "r", Video: video, ICEServers: servers, Emit: l.emit}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.session.Close(); err != nil {
			t.Errorf("Session.Close: %v", err)
		}
	})
	s := webrtc.SettingEngine{}
	s.SetIncludeLoopbackCandidate(true)
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		t.Fatal(err)
	}
	l.phone, err = webrtc.NewAPI(webrtc.WithSettingEngine(s), webrtc.WithMediaEngine(m)).NewPeerConnection(phone)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.phone.GracefulClose() })
	l.phone.OnTrack(l.count)
	kinds := []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio}
	if video {
		kinds = append(kinds, webrtc.RTPCodecTypeVideo)
	}
	for _, kind := range kinds {
		var err error
		if kind == webrtc.RTPCodecTypeAudio && sound != nil {
			_, err = l.phone.AddTransceiverFromTrack(sound)
		} else {
			_, err = l.phone.AddTransceiverFromKind(kind)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	negotiated, id := true, uint16(0)
	if _, err := l.phone.CreateDataChannel("callbox", &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id}); err != nil {
		t.Fatal(err)
	}
	offer, err := l.phone.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(l.phone)
	if err := l.phone.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	<-gathered
	answer, err := l.session.Answer(t.Context(), l.phone.LocalDescription().SDP)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.phone.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	l.tellAgain() // those that were faster than the answer
	return l
}

func (l *leg) count(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	packets := &l.audio
	if track.Kind() == webrtc.RTPCodecTypeVideo {
		packets = &l.video
		l.ssrc.Store(uint32(track.SSRC()))
	}
	buffer := make([]byte, 1500)
	for {
		if _, _, err := track.Read(buffer); err != nil {
			return
		}
		packets.Add(1)
	}
}

// tell gives the device's candidates to the phone, if ev has any.
func (l *leg) tell(ev Event) {
	if c, ok := ev.(LocalCandidates); ok {
		for _, candidate := range c.Candidates {
			_ = l.phone.AddICECandidate(webrtc.ICECandidateInit{ // a phone that is closing takes none
				Candidate: candidate.Candidate, SDPMid: candidate.SDPMid, SDPMLineIndex: candidate.SDPMLineIndex,
				UsernameFragment: candidate.UsernameFragment,
			})
		}
	}
}

// tellAgain gives all of them again: pion's phone drops those that come before the answer
// that they belong to, where a real one keeps them.
func (l *leg) tellAgain() {
	l.mu.Lock()
	events := slices.Clone(l.events)
	l.mu.Unlock()
	for _, ev := range events {
		l.tell(ev)
	}
}

func (l *leg) emit(ev Event) {
	l.tell(ev)
	l.mu.Lock()
	l.events = append(l.events, ev)
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// wait waits for an event of the kind of T.
func wait[T Event](l *leg) T {
	l.t.Helper()
	late := time.After(15 * time.Second)
	for {
		l.mu.Lock()
		for _, ev := range l.events {
			if e, ok := ev.(T); ok {
				l.mu.Unlock()
				return e
			}
		}
		l.mu.Unlock()
		select {
		case <-l.more:
		case <-late:
			var want T
			l.t.Fatalf("no %T within 15 s", want)
		}
	}
}

func (l *leg) eventually(what string, ok func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("not within 15 s: %s; audio %d, video %d packets, %+v", what, l.audio.Load(), l.video.Load(), l.session.Stats())
		}
	}
}

func TestNothingFlowsBeforeAccept(t *testing.T) {
	l := connect(t, testEngine(t, nil), true)
	l.session.Prepare()
	wait[Connected](l)
	wait[DataOpen](l) // connected and quiet for as long as that takes
	if a, v := l.audio.Load(), l.video.Load(); a+v > 0 || l.session.gate.Passed() > 0 {
		t.Errorf("%d packets of sound and %d of video came before accept; %d passed the gate", a, v, l.session.gate.Passed())
	}
	l.session.Accept(Limit{})
	if s := wait[Started](l); s.Deadline != 0 {
		t.Errorf("a talk without a limit has a deadline: %+v", s)
	}
	l.eventually("sound and picture flow", func() bool { return l.audio.Load() > 20 && l.video.Load() > 10 })
	if s := l.session.Stats(); s.KeyframesSent == 0 || s.VideoFramesSent == 0 || s.AudioPacketsSent == 0 {
		t.Errorf("stats = %+v", s)
	}
}

func TestVoiceHasNoPicture(t *testing.T) {
	l := connect(t, testEngine(t, nil), false)
	l.session.Accept(Limit{})
	l.eventually("sound flows", func() bool { return l.audio.Load() > 20 })
	if l.video.Load() > 0 {
		t.Error("a voice call has a picture")
	}
}

func TestCameraOffSendsNothing(t *testing.T) {
	l := connect(t, testEngine(t, nil), true)
	l.session.SetCamera(false)
	l.session.Accept(Limit{})
	l.eventually("sound flows", func() bool { return l.audio.Load() > 50 })
	if n := l.video.Load(); n > 0 {
		t.Errorf("%d packets of a camera that is off", n)
	}
	l.session.SetCamera(true)
	l.eventually("the picture comes", func() bool { return l.video.Load() > 10 })
}

func TestDataChannel(t *testing.T) {
	l := connect(t, testEngine(t, nil), false)
	wait[DataOpen](l)
	if err := l.session.SendData([]byte(`{"t":"x"}`)); err != nil {
		t.Error(err)
	}
	if err := l.session.Close(); err != nil {
		t.Error(err)
	}
	if err := l.session.SendData([]byte(`{}`)); !errors.Is(err, ErrNotOpen) {
		t.Errorf("SendData after Close = %v", err)
	}
}

func TestKeyframesAreRateLimited(t *testing.T) {
	l := connect(t, testEngine(t, nil), true)
	l.session.Accept(Limit{})
	l.eventually("the picture comes", func() bool { return l.video.Load() > 5 })
	before, began := l.session.Stats(), time.Now()
	for range 200 {
		if err := l.phone.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: l.ssrc.Load()}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // a second in all: the rate of the storm
	}
	l.eventually("a keyframe comes", func() bool { return l.session.Stats().KeyframesSent > before.KeyframesSent })
	after, took := l.session.Stats(), time.Since(began) // more than a second on a busy machine
	if keys := after.KeyframesSent - before.KeyframesSent; keys > uint64(took/keyframeInterval)+2 || keys > keyBurst+uint64(took/keyPeriod)+2 {
		t.Errorf("%d keyframes for 200 requests in %v, of %d pictures", keys, took, after.VideoFramesSent-before.VideoFramesSent)
	}
}

// TestKeyframeRequestRacesClose: nothing of the encoder is used after its end.
func TestKeyframeRequestRacesClose(t *testing.T) {
	e := testEngine(t, nil)
	for range 8 {
		l := connect(t, e, true)
		l.session.Accept(Limit{})
		l.eventually("the picture comes", func() bool { return l.video.Load() > 0 })
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 100 {
				_ = l.phone.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: l.ssrc.Load()}}) // until it is closed
			}
		}()
		if err := l.session.Close(); err != nil {
			t.Error(err)
		}
		<-done
	}
}

func TestTheLockStopsMedia(t *testing.T) {
	l := connect(t, testEngine(t, nil), true)
	l.session.Accept(Limit{Set: true, Duration: 400 * time.Millisecond})
	s := wait[Started](l)
	if s.Deadline != s.At+400*time.Millisecond {
		t.Errorf("Started = %+v", s)
	}
	if r := wait[DeadlineReached](l); r.At < s.Deadline || r.At > s.Deadline+200*time.Millisecond {
		t.Errorf("the lock closed %v after the deadline", r.At-s.Deadline)
	}
	passed := l.session.gate.Passed()
	for range 50 {
		_ = l.phone.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: l.ssrc.Load()}}) // whatever it asks for
		time.Sleep(2 * time.Millisecond)
	}
	if now := l.session.gate.Passed(); now != passed || passed == 0 {
		t.Errorf("%d packets had passed at the deadline, %d after it", passed, now)
	}
}

func TestBadOffer(t *testing.T) {
	e := testEngine(t, nil)
	s, err := e.NewSession(SessionConfig{Video: true, Emit: func(Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(s.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	}()
	if _, err := s.Answer(t.Context(), "v=0\r\nthis is no SDP"); !errors.Is(err, ErrBadOffer) {
		t.Errorf("Answer to nonsense = %v", err)
	}
}

// pulledCamera is unplugged after a few pictures.
type pulledCamera struct{ hal.Camera }

type pulledStream struct {
	hal.VideoStream
	left int
}

func (c pulledCamera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	s, err := c.Camera.Open(want)
	return &pulledStream{VideoStream: s, left: 5}, err
}

func (s *pulledStream) ReadFrame() (*hal.Frame, error) {
	if s.left--; s.left < 0 {
		return nil, hal.ErrGone
	}
	return s.VideoStream.ReadFrame()
}

func TestThePulledCameraKeepsTheCall(t *testing.T) {
	l := connect(t, testEngine(t, func(o *EngineOptions) { o.Camera = pulledCamera{o.Camera} }), true)
	l.session.Accept(Limit{})
	if gone := wait[DeviceGone](l); gone.Kind != "camera" || !errors.Is(gone.Err, hal.ErrGone) {
		t.Errorf("DeviceGone = %+v", gone)
	}
	before := l.audio.Load()
	l.eventually("sound goes on", func() bool { return l.audio.Load() > before+50 })
}

func TestADeviceWithoutDevices(t *testing.T) {
	l := connect(t, testEngine(t, func(o *EngineOptions) { o.Devices = Devices{} }), true)
	wait[Connected](l)
	l.session.Accept(Limit{})
	wait[Started](l)
}

// TestManySessions: sessions in a row leave no descriptor; goleak sees goroutines.
func TestManySessions(t *testing.T) {
	e := testEngine(t, nil)
	round := func() {
		l := connect(t, e, true)
		l.session.Accept(Limit{})
		l.eventually("media flows", func() bool { return l.video.Load() > 0 && l.audio.Load() > 0 })
		if err := errors.Join(l.session.Close(), l.phone.GracefulClose()); err != nil {
			t.Error(err)
		}
	}
	round() // what is made once
	before := descriptors(t)
	for range 5 {
		round()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors became %d", before, after)
	}
	if _, err := e.NewSession(SessionConfig{}); err == nil {
		t.Error("a session without Emit was made")
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	d, err := os.Open("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return len(names)
}
