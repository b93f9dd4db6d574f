package opus

import (
	"fmt"

	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/io/audio"
	"github.com/pion/mediadevices/pkg/prop"
	"github.com/pion/mediadevices/pkg/wave"
)

// Builder builds Opus encoders for mediadevices.
type Builder struct{ Bitrate int } // bit/s

// RTPCodec says what a CodecSelector finds the builder by.
func (b Builder) RTPCodec() *codec.RTPCodec {
	c := codec.NewRTPOpusCodec(SampleRate)
	c.Latency = FrameDuration
	return c
}

// BuildAudioEncoder makes a Stream that reads chunks of FrameSamples mono samples
// (*wave.Int16Interleaved) from r.
func (b Builder) BuildAudioEncoder(r audio.Reader, _ prop.Media) (codec.ReadCloser, error) {
	e, err := NewEncoder(b.Bitrate)
	if err != nil {
		return nil, err
	}
	return &Stream{src: r, enc: e}, nil
}

// Stream is a source of sound with an encoder behind it, and its controller. Read
// is for one goroutine; the other methods may be called from any, also after
// Close.
type Stream struct {
	src audio.Reader
	enc *Encoder
}

// Controller returns the stream itself, a codec.BitRateController.
func (s *Stream) Controller() codec.EncoderController { return s }

// Read waits for 20 ms of sound and returns them encoded: nil when they need not
// be sent. The data is valid until the next Read.
func (s *Stream) Read() ([]byte, func(), error) {
	chunk, _, err := s.src.Read()
	if err != nil {
		return nil, func() {}, err
	}
	pcm, ok := chunk.(*wave.Int16Interleaved)
	if !ok {
		return nil, func() {}, fmt.Errorf("cannot encode a %T: the sound adapter gives *wave.Int16Interleaved", chunk)
	}
	p, err := s.enc.Encode(pcm.Data)
	if err != nil {
		return nil, func() {}, err
	}
	return p, func() {}, nil
}

// SetBitRate is Encoder.SetBitRate.
func (s *Stream) SetBitRate(bps int) error { return s.enc.SetBitRate(bps) }

// SetExpectedLoss is Encoder.SetExpectedLoss.
func (s *Stream) SetExpectedLoss(percent int) error { return s.enc.SetExpectedLoss(percent) }

// Close frees the encoder; it does not close the source.
func (s *Stream) Close() error { return s.enc.Close() }
