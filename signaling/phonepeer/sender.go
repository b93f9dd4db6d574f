package phonepeer

import (
	"embed"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

const (
	soundFrame   = 20 * time.Millisecond
	picturePause = 200 * time.Millisecond // between two pictures: each is a keyframe

	// ToneHz is the frequency of CallOptions.Tone.
	ToneHz = 440
)

// toneFile is a second of a tone of ToneHz at half of full scale: 50 Opus frames of
// 20 ms, each behind its length in one byte. TestTone makes it.
//
//go:embed tone.opus
var toneFile []byte

// pictureFile is a grey VP8 keyframe of 320 × 240.
//
//go:embed grey.vp8
var pictureFile []byte

// greyH264 are H.264 keyframes of it, which take turns: two in a row must differ
// (idr_pic_id: ITU-T H.264, 7.4.3).
//
//go:embed grey-1.h264 grey-2.h264
var greyH264 embed.FS

// greyPictures are those of greyH264.
var greyPictures = sync.OnceValue(func() [][]byte {
	var all [][]byte
	for _, name := range []string{"grey-1.h264", "grey-2.h264"} {
		data, _ := greyH264.ReadFile(name) // it is built in
		all = append(all, data)
	}
	return all
})

// silence is an Opus frame of 20 ms without sound (RFC 6716, 3.1: CELT, full band).
func silence() []byte { return []byte{0xf8, 0xff, 0xfe} }

// sender sends prepared frames. It costs no encoder.
type sender struct {
	o           legOptions
	audio       *webrtc.TrackLocalStaticSample // nil when it cannot be made
	video       *pictureTrack                  // likewise, or when it is not wanted
	camera, mic atomic.Bool
	sound       atomic.Uint64 // frames sent
	pictures    atomic.Uint64

	mu     sync.Mutex
	stop   chan struct{} // nil before open
	closed bool
}

func newSender(o legOptions) *sender {
	s := &sender{o: o}
	s.mic.Store(true)
	s.camera.Store(o.camera)
	return s
}

// tracks makes the tracks that are offered.
func (s *sender) tracks() ([]webrtc.TrackLocal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.audio, err = webrtc.NewTrackLocalStaticSample(opusCodec(), "audio", "phone"); err != nil {
		return nil, err
	}
	all := []webrtc.TrackLocal{s.audio}
	if s.o.video {
		if s.video, err = newPictureTrack(); err != nil {
			return nil, err
		}
		all = append(all, s.video)
	}
	return all, nil
}

// open begins to send; once.
func (s *sender) open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.stop != nil || s.audio == nil {
		return
	}
	stop := make(chan struct{})
	s.stop = stop
	s.o.running.Go(func() { s.run(stop) })
}

// close ends it; open has no effect after it.
func (s *sender) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && s.stop != nil {
		close(s.stop)
	}
	s.closed = true
}

// Repeat gives packets over and over, for CallOptions.Sound.
func Repeat(packets [][]byte) func() []byte {
	n := -1
	return func() []byte {
		n++
		return packets[n%len(packets)]
	}
}

func (s *sender) run(stop chan struct{}) {
	tick := time.NewTicker(soundFrame)
	defer tick.Stop()
	sound := s.o.sound
	if s.o.tone && sound == nil {
		sound = Repeat(frames(toneFile))
	}
	for n := 0; ; n++ {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		if s.mic.Load() {
			frame := silence()
			if sound != nil {
				frame = sound()
			}
			// It fails only when the connection is closed meanwhile.
			if frame != nil && s.audio.WriteSample(media.Sample{Data: frame, Duration: soundFrame}) == nil {
				s.sound.Add(1)
			}
		}
		if n%int(picturePause/soundFrame) == 0 && s.video != nil && s.camera.Load() {
			if s.video.picture() {
				s.pictures.Add(1)
			}
		}
	}
}

// frames splits a file of frames, each behind its length in one byte.
func frames(file []byte) [][]byte {
	var all [][]byte
	for len(file) > 0 {
		n := int(file[0])
		all = append(all, file[1:1+n])
		file = file[1+n:]
	}
	return all
}
