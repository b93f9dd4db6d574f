package media

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"callbox/hal"
	"callbox/media/capture"
	"callbox/media/codec/opus"
)

// audioSender sends the microphone's sound: ring, encoder, RTP.
type audioSender struct {
	s        *Session
	track    *webrtc.TrackLocalStaticRTP
	sequence rtp.Sequencer
	offset   uint32
}

// newAudioSender adds a track in the same stream as the camera's: one lip sync.
func newAudioSender(s *Session) (*audioSender, error) {
	track, err := webrtc.NewTrackLocalStaticRTP(opusCodec(), "microphone", "callbox")
	if err != nil {
		return nil, err
	}
	if _, err := s.pc.AddTrack(track); err != nil {
		return nil, err
	}
	return &audioSender{s: s, track: track, sequence: rtp.NewRandomSequencer(), offset: rand.Uint32()}, nil
}

// run sends from the start of the talk until the session ends.
func (a *audioSender) run() {
	select {
	case <-a.s.startedNow:
	case <-a.s.ctx.Done():
		return
	}
	if err := a.send(); err != nil && !errors.Is(err, io.EOF) {
		a.s.deviceGone("sound", a.s.sound.name(), err)
	}
}

// captured is the report.Time of the sound: what is in the air comes out of the phone's
// decoder later by what the encoder looks ahead.
func (a *audioSender) captured(at time.Duration) (rtp uint32, known bool) {
	position, known := a.s.sound.position(at)
	return a.offset + uint32(position+opus.Lookahead), known
}

func (a *audioSender) send() error {
	mic, err := capture.NewAudio(a.s.sound.ring, opus.Builder{Bitrate: int(a.s.engine.opts.AudioBitrate)})
	if err != nil {
		return err
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(a.s.ctx, func() { // wakes the Read below
		defer close(closed)
		mic.Close()
	})
	defer func() {
		if !stop() {
			<-closed
		}
		mic.Close()
	}()
	enc, err := mic.Encoder()
	if err != nil {
		if a.s.ctx.Err() != nil {
			return io.EOF
		}
		return err
	}
	defer func() { _ = enc.Close() }() // never fails
	ctl, ok := enc.Controller().(*opus.Stream)
	if !ok {
		return errors.New("the sound encoder is not ours")
	}
	fec := lossFollower{set: ctl.SetExpectedLoss}
	silent := true // RTP marks the beginning of a talk (RFC 3551, 4.1)
	for {
		out, _, err := enc.Read()
		if err != nil {
			return err
		}
		fec.follow(a.s.now(), a.s.soundLoss())
		if len(out.Data) == 0 {
			silent = true
			continue
		}
		p := &rtp.Packet{
			Header: rtp.Header{
				Version: 2, Marker: silent,
				SequenceNumber: a.sequence.NextSequenceNumber(),
				Timestamp:      a.offset + uint32(mic.Position()),
			},
			Payload: append([]byte(nil), out.Data...),
		}
		silent = false
		a.s.count.up.add(a.s.now(), p.MarshalSize())
		if err := a.track.WriteRTP(p); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			a.s.log.Trace().Err(err).Msg("audio packet")
		}
		a.s.count.audioPacketsSent.Add(1)
	}
}

// RTP time of Opus counts the samples of the hal (RFC 7587, 4.1).
var _ [hal.SampleRate - opus.SampleRate]struct{}
