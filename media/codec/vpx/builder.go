package vpx

import (
	"time"

	"github.com/pion/mediadevices/pkg/codec"

	"callbox/media/codec/picture"
)

// VP8 builds VP8 encoders for mediadevices.
func VP8(frameRate float64, bitrate int, keyframeInterval time.Duration) picture.Builder {
	return picture.Builder{
		Codec: codec.NewRTPVP8Codec(90000), New: func(p picture.Params) (picture.Encoder, error) { return NewEncoder(p) },
		FrameRate: frameRate, Bitrate: bitrate, KeyframeInterval: keyframeInterval,
	}
}
