package media

import "callbox/media/options"

// What the configuration says of media lives in media/options, which needs no
// codecs; these are its names here.
type (
	// Options is the media section of the configuration.
	Options = options.Media
	// ICEOptions says how the device looks for a way to the phone.
	ICEOptions = options.ICE
	// ICEServer is one STUN or TURN server.
	ICEServer = options.ICEServer
	// Cleaning says what is done to the microphone's sound.
	Cleaning = options.Cleaning
	// Preconnect says how much is made ready while it rings.
	Preconnect = options.Preconnect
	// VideoCodec is a codec for pictures.
	VideoCodec = options.VideoCodec
	// Bitrate is in bit/s.
	Bitrate = options.Bitrate
)

// The steps of Preconnect.
const (
	PreconnectOff     = options.PreconnectOff
	PreconnectNetwork = options.PreconnectNetwork
	PreconnectMedia   = options.PreconnectMedia
)

// The codecs for pictures.
const (
	CodecH264 = options.CodecH264
	CodecVP8  = options.CodecVP8
)

// The echo cancellers.
const (
	EchoSpeex  = options.EchoSpeex
	EchoWebRTC = options.EchoWebRTC
	EchoOff    = options.EchoOff
)

// DefaultOptions is what is used when the configuration says nothing.
func DefaultOptions() Options { return options.Default() }
