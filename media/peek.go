package media

import (
	"callbox/hal"
	"callbox/media/codec/picture"
)

// peek decodes a stream for a moment. The zero value is closed.
type peek struct {
	decoder picture.Decoder
	colours hal.Colours // as the stream says
}

// decode returns a picture, nil while there is none. It calls ask for a keyframe when
// it begins.
func (p *peek) decode(codec *videoCodec, data []byte, key bool, ask func()) *hal.Frame {
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
	if codec.colours != nil {
		if c, ok := codec.colours(data); ok {
			p.colours = c
		}
	}
	img, err := p.decoder.Decode(data)
	if err != nil || img == nil {
		return nil
	}
	return &hal.Frame{YCbCr: *img, Colours: p.colours}
}

func (p *peek) close() {
	if p.decoder != nil {
		_ = p.decoder.Close() // never fails
		*p = peek{}
	}
}
