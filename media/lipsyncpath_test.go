package media

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"callbox/hal"
	"callbox/hal/virtual"
	"callbox/media/codec/opus"
	"callbox/media/codec/picture"
	"callbox/media/codec/vpx"
)

// Of the phone of TestSoundAndPicturesComeTogether.
const (
	beepEvery   = 500 * time.Millisecond
	beepLength  = 120 * time.Millisecond
	phoneFrame  = 40 * time.Millisecond
	phonePacket = 20 * time.Millisecond
	rtpOfSound  = 4_294_000_000 // RTP times at the beginning; both go over their ends
	rtpOfImages = 4_294_900_000
)

// earSound is a speaker that notes when a beep begins to be heard: delay later than it
// is given.
type earSound struct {
	delay time.Duration
	now   func() time.Duration

	mu    sync.Mutex
	beeps []time.Duration
	quiet int // samples
	stop  chan struct{}
	done  sync.WaitGroup
}

func (s *earSound) Microphone() string    { return "" }
func (s *earSound) Speaker() string       { return "ear" }
func (s *earSound) Gone() <-chan struct{} { return nil }

func (s *earSound) Delays() (capture, playback time.Duration) { return 0, s.delay }

func (s *earSound) Open(process hal.SoundFunc) (hal.SoundStream, error) {
	s.stop = make(chan struct{})
	s.done.Go(func() {
		captured, playback := make([]int16, hal.FrameSamples), make([]int16, hal.FrameSamples)
		each := time.NewTicker(hal.FrameLength)
		defer each.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-each.C:
			}
			process(captured, playback)
			s.listen(playback)
		}
	})
	return s, nil
}

func (s *earSound) listen(playback []int16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, v := range playback {
		if v < 3000 && v > -3000 {
			s.quiet++
			continue
		}
		if s.quiet > hal.SampleRate/5 {
			s.beeps = append(s.beeps, s.now()+s.delay+time.Duration(i)*time.Second/hal.SampleRate)
		}
		s.quiet = 0
	}
}

func (s *earSound) Close() error { close(s.stop); s.done.Wait(); return nil }

// eyeDisplay notes when the picture of which moment was shown.
type eyeDisplay struct {
	now func() time.Duration

	mu    sync.Mutex
	shown []pictureShown
}

type pictureShown struct{ stamp, at time.Duration }

func (d *eyeDisplay) Name() string                     { return "eye" }
func (d *eyeDisplay) Open() (hal.DisplayStream, error) { return d, nil }
func (d *eyeDisplay) Close() error                     { return nil }

func (d *eyeDisplay) Show(f *hal.Frame) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if stamp, ok := virtual.ReadStamp(&f.YCbCr); ok {
		d.shown = append(d.shown, pictureShown{stamp, d.now()})
	}
	return nil
}

// vp8Track pretends to be the phone's track.
type vp8Track struct{}

func (vp8Track) Codec() webrtc.RTPCodecParameters {
	return webrtc.RTPCodecParameters{RTPCodecCapability: vp8Codec(), PayloadType: 96}
}
func (vp8Track) SSRC() webrtc.SSRC { return 2 }

// phoneOnTheWay makes packets of a phone and lets them come when they do.
type phoneOnTheWay struct {
	t       *testing.T
	talk    *talk
	video   *videoReceiver
	sound   *opus.Encoder
	picture *vpx.Encoder
	chunk   []int16
	image   *image.YCbCr

	sequence [2]uint16
	onTheWay sync.WaitGroup
	arriving sync.Mutex
}

// prepare makes the encoders.
func (p *phoneOnTheWay) prepare() {
	var err error
	if p.sound, err = opus.NewEncoder(64000); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.sound.Close() })
	if p.picture, err = vpx.NewEncoder(picture.Params{Width: 320, Height: 180, FrameRate: 25, Bitrate: 500_000}); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.picture.Close() })
	p.image = numbered(1)
}

// after lets f happen some time later, one at a time.
func (p *phoneOnTheWay) after(late time.Duration, f func()) {
	p.onTheWay.Go(func() {
		time.Sleep(late)
		p.arriving.Lock()
		defer p.arriving.Unlock()
		f()
	})
}

// speak sends the sound of a packet's length from at on.
func (p *phoneOnTheWay) speak(at, late time.Duration) {
	for i := range p.chunk {
		moment := at + time.Duration(i)*time.Second/hal.SampleRate
		p.chunk[i] = 0
		if moment%beepEvery < beepLength {
			p.chunk[i] = int16(12000 * math.Sin(2*math.Pi*900*moment.Seconds()))
		}
	}
	data, err := p.sound.Encode(p.chunk)
	if err != nil {
		p.t.Fatal(err)
	}
	packet := &rtp.Packet{
		Header:  rtp.Header{Version: 2, SSRC: 1, SequenceNumber: p.sequence[0], Timestamp: uint32(rtpOfSound + int64(at*48/time.Millisecond))},
		Payload: append([]byte(nil), data...),
	}
	if len(packet.Payload) == 0 {
		return // silence
	}
	p.sequence[0]++
	p.after(late, func() { p.talk.sound.push(packet, p.talk.now()) })
}

// show sends the picture of a moment.
func (p *phoneOnTheWay) show(at, late time.Duration) {
	virtual.Stamp(p.image, at)
	f, err := p.picture.Encode(p.image, at)
	if err != nil {
		p.t.Fatal(err)
	}
	payloads := cut(vp8(p.video), rtpPayloadSize, f.Data)
	var packets []*rtp.Packet
	for i, payload := range payloads {
		p.sequence[1]++
		packets = append(packets, &rtp.Packet{
			Header:  rtp.Header{Version: 2, SSRC: 2, Marker: i == len(payloads)-1, SequenceNumber: p.sequence[1], Timestamp: uint32(rtpOfImages + int64(at*90/time.Millisecond))},
			Payload: payload,
		})
	}
	p.after(late, func() {
		for _, packet := range packets {
			p.video.push(packet)
		}
	})
}

// report tells what the RTP times of a moment are, on the phone's clock.
func (p *phoneOnTheWay) report(at time.Duration) {
	clock := at + 3_900_000_000*time.Second + 123*time.Millisecond
	ntp := uint64(clock/time.Second)<<32 | uint64(clock%time.Second<<32/time.Second)
	for kind, r := range map[webrtc.RTPCodecType]*rtcp.SenderReport{
		webrtc.RTPCodecTypeAudio: {SSRC: 1, NTPTime: ntp, RTPTime: uint32(rtpOfSound + int64(at*48/time.Millisecond))},
		webrtc.RTPCodecTypeVideo: {SSRC: 2, NTPTime: ntp, RTPTime: uint32(rtpOfImages + int64(at*90/time.Millisecond))},
	} {
		raw, err := rtcp.Marshal([]rtcp.Packet{r})
		if err != nil {
			p.t.Fatal(err)
		}
		p.after(50*time.Millisecond, func() { p.talk.reported(kind, raw) })
	}
}

// TestSoundAndPicturesComeTogether: from packets and reports to a display and a speaker,
// what the phone has heard and seen at a moment is seen and heard at one, within 20 ms:
// whether the network or the speaker keeps the sound.
func TestSoundAndPicturesComeTogether(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		jitter, delay time.Duration
	}{
		"a rough way": {120 * ms, 0}, "a slow speaker": {1 * ms, 100 * ms}, "both": {60 * ms, 50 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ear, eye := &earSound{delay: tt.delay}, &eyeDisplay{}
				l := newTalk(t, bubbleEngine(t, func(o *EngineOptions) { o.Camera, o.Sound, o.Display = nil, ear, eye }), true)
				ear.now, eye.now = l.now, l.now
				l.connect()
				l.Accept(Limit{})
				p := &phoneOnTheWay{t: t, talk: l, video: newVideoReceiver(l.Session, vp8Track{}), chunk: make([]int16, 2*hal.FrameSamples)}
				l.goFunc(p.video.run)
				p.prepare()
				random := rand.New(rand.NewPCG(7, uint64(tt.jitter)))
				begun := l.now()
				for at := time.Duration(0); at < 15*time.Second; at += phonePacket {
					if at%time.Second == 0 {
						p.report(at)
					}
					p.speak(at, 50*ms+time.Duration(random.Int64N(int64(tt.jitter))))
					if at%phoneFrame == 0 {
						p.show(at, 60*ms)
					}
					time.Sleep(phonePacket)
				}
				p.onTheWay.Wait()
				checkTogether(t, ear, eye, begun)
			})
		})
	}
}

func checkTogether(t *testing.T, ear *earSound, eye *eyeDisplay, begun time.Duration) {
	t.Helper()
	ear.mu.Lock()
	defer ear.mu.Unlock()
	eye.mu.Lock()
	defer eye.mu.Unlock()
	var apart []time.Duration
	for _, heard := range ear.beeps {
		heard -= begun
		if heard < 5*time.Second { // the phone has told too little
			continue
		}
		made := (heard - 60*time.Millisecond) / beepEvery * beepEvery // nothing comes sooner, nor so late
		i := slices.IndexFunc(eye.shown, func(p pictureShown) bool { return p.stamp >= made })
		if i < 0 {
			continue
		}
		seen := eye.shown[i]
		apart = append(apart, heard-made-(seen.at-begun-seen.stamp))
	}
	if len(apart) < 15 {
		t.Fatalf("%d beeps were compared with pictures, of %d and %d", len(apart), len(ear.beeps), len(eye.shown))
	}
	slices.Sort(apart)
	t.Logf("sound comes %v to %v after its picture, half of it within %v", apart[0], apart[len(apart)-1], apart[len(apart)/2])
	if apart[0] < -20*time.Millisecond || apart[len(apart)-1] > 20*time.Millisecond {
		t.Errorf("sound and picture are apart by %v to %v, want 20ms at the most", apart[0], apart[len(apart)-1])
	}
	if apart[len(apart)/2].Abs() > 3*time.Millisecond {
		t.Errorf("half of the time they are apart by %v", apart[len(apart)/2])
	}
}
