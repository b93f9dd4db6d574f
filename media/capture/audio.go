package capture

import (
	"fmt"
	"sync"
	"time"

	"github.com/pion/mediadevices"
	"github.com/pion/mediadevices/pkg/codec"
	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/io/audio"
	"github.com/pion/mediadevices/pkg/prop"
	"github.com/pion/mediadevices/pkg/wave"

	"callbox/hal"
)

const (
	chunkDuration = 20 * time.Millisecond
	chunkSamples  = 2 * hal.FrameSamples
)

// Audio is a microphone with an encoder behind it. The sound comes through a
// Ring, because one duplex device serves the microphone and the speaker.
type Audio struct {
	reg    *registration
	source *audioSource
	codec  string
	once   sync.Once
}

// NewAudio makes a microphone of a ring. The encoder's chunks are 20 ms of
// *wave.Int16Interleaved, mono.
func NewAudio(ring *Ring, encoder codec.AudioEncoderBuilder) (*Audio, error) {
	s := &audioSource{ring: ring, chunk: wave.NewInt16Interleaved(wave.ChunkInfo{
		Len: chunkSamples, Channels: 1, SamplingRate: hal.SampleRate,
	})}
	reg, err := register(s, driver.Microphone, mediadevices.NewCodecSelector(mediadevices.WithAudioEncoders(encoder)))
	if err != nil {
		return nil, err
	}
	return &Audio{reg: reg, source: s, codec: encoder.RTPCodec().MimeType}, nil
}

// Encoder waits for the first sound and returns the encoder. Its Read ends with
// io.EOF when the ring was closed.
func (a *Audio) Encoder() (mediadevices.EncodedReadCloser, error) {
	r, err := a.reg.track.NewEncodedReader(a.codec)
	if err != nil {
		return nil, fmt.Errorf("cannot encode the microphone's sound: %w", err)
	}
	return r, nil
}

// Position is that of the chunk that was encoded last, in samples since the
// beginning of the ring: what RTP time is made of. For the reading goroutine.
func (a *Audio) Position() int64 { return a.source.position }

// Close closes the ring and wakes the encoder. It may be called often.
func (a *Audio) Close() {
	a.once.Do(func() {
		a.source.ring.Close()
		a.reg.close()
	})
}

// audioSource is a microphone as a mediadevices driver.
type audioSource struct {
	ring     *Ring
	chunk    *wave.Int16Interleaved
	position int64
}

func (s *audioSource) Open() error  { return nil }
func (s *audioSource) Close() error { return nil }

func (s *audioSource) Properties() []prop.Media {
	return []prop.Media{{Audio: prop.Audio{
		ChannelCount: 1, SampleRate: hal.SampleRate, SampleSize: 2, Latency: chunkDuration, IsInterleaved: true,
	}}}
}

func (s *audioSource) AudioRecord(prop.Media) (audio.Reader, error) {
	return audio.ReaderFunc(func() (wave.Audio, func(), error) {
		position, err := s.ring.Read(s.chunk.Data)
		if err != nil {
			return nil, func() {}, err
		}
		s.position = position
		return s.chunk, func() {}, nil
	}), nil
}
