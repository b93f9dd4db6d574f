package hal

import (
	"errors"
	"time"
)

// ErrNotEncoded means that a camera does not encode by itself, or not as it is wanted.
var ErrNotEncoded = errors.New("the camera gives no H.264")

// EncodedFrame is one picture that a camera has encoded. Its data belongs to the
// driver: it is valid until the next ReadEncoded or Close of its stream.
type EncodedFrame struct {
	Data     []byte        // H.264, an access unit as an Annex B stream
	Key      bool          // needs no picture before it
	Damaged  bool          // pictures are missing before it
	Captured time.Duration // on clock.Boot, when the picture was taken
}

// EncodedSource is a camera that can encode H.264 by itself. One stream may be open at
// a time, encoded or not.
type EncodedSource interface {
	Camera
	// OpenEncoded starts the camera in the encoded mode nearest to the wanted one, at
	// a bitrate in bit/s. It returns ErrNotEncoded when it has none.
	OpenEncoded(want VideoMode, bitrate int) (EncodedStream, error)
}

// EncodedStream is an open camera that encodes.
type EncodedStream interface {
	// Mode is what the driver really gives.
	Mode() VideoMode
	// ReadEncoded waits for the next picture. It returns io.EOF after Close and
	// ErrGone after an unplug. One goroutine at a time.
	ReadEncoded() (*EncodedFrame, error)
	// ForceKeyFrame makes a picture soon a keyframe; SetBitRate changes the rate, in
	// bit/s. Both may be called from any goroutine, also after Close.
	ForceKeyFrame() error
	SetBitRate(bps int) error
	// Close stops the camera and wakes ReadEncoded. It may be called twice.
	Close() error
}
