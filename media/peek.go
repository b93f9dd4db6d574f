package media

import (
	"image"

	"callbox/media/codec/picture"
)

// peek decodes a stream for a moment. The zero value is closed.
type peek struct {
	decoder picture.Decoder
}

// decode returns a picture, nil while there is none. It calls ask for a keyframe when
// it begins.
func (p *peek) decode(codec *videoCodec, data []byte, key bool, ask func()) *image.YCbCr {
	if p.decoder == nil {
		d, err := codec.decoder()
		if err != nil {
			return nil
		}
		p.decoder = d
		if !key {
			ask()
		}
	}
	img, err := p.decoder.Decode(data)
	if err != nil {
		return nil
	}
	return img
}

func (p *peek) close() {
	if p.decoder != nil {
		_ = p.decoder.Close() // never fails
		p.decoder = nil
	}
}
