package media

import (
	"context"
	"errors"
	"io"

	"callbox/hal"
	"callbox/media/capture"
	"callbox/media/codec/picture"
)

// encode sends the pictures of a stream, which it takes over, until ctx or the stream
// ends. look is called with each picture before it is encoded.
func (v *videoSender) encode(ctx context.Context, codec *videoCodec, stream hal.VideoStream, mode hal.VideoMode, look func(*hal.Frame)) error {
	shape := newShaper(v, mode, mode.FrameRate)
	cam, err := capture.NewVideo(stream, codec.builder(mode.FrameRate, v.aim(), keyframeInterval), func(f *hal.Frame) *hal.Frame {
		look(f)
		return shape.next(f)
	})
	if err != nil {
		return err
	}
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { // wakes the Read below
		defer close(closed)
		cam.Close()
	})
	defer func() {
		cam.Done()
		if !stop() {
			<-closed
		}
		cam.Close()
	}()
	enc, err := cam.Encoder()
	if err != nil {
		return err
	}
	defer func() { _ = enc.Close() }() // never fails
	ctl, ok := enc.Controller().(*picture.Stream)
	if !ok {
		return errors.New("the video encoder is not ours")
	}
	v.attach(ctl)
	if shape.aim > 0 { // it was told before there was anybody to hear
		v.setBitrate(int(shape.aim))
	}
	defer v.attach(nil)
	defer v.s.send.drop() // the next encoder begins anew
	for {
		if _, _, err := enc.Read(); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF // the camera ended without being closed
			}
			return err
		}
		v.write(codec, ctl.Last())
	}
}
