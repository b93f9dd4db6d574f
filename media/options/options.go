// Package options is the media section of the configuration. It is a package of
// its own so that whoever only reads a configuration needs no codecs.
package options

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Media is the media section of the configuration.
type Media struct {
	// Preconnect says how much is made ready while it rings.
	Preconnect Preconnect `mapstructure:"preconnect"`
	// VideoCodecs are h264 and vp8, the preferred first: the first that the phone knows,
	// too, is used. H.264 needs the library OpenH264. Where it is missing VP8 is used,
	// whether it is in this list or not.
	VideoCodecs []VideoCodec `mapstructure:"video_codecs"`
	// Encoder is what encodes H.264: auto, software, or one of the hardware by its name in
	// libavcodec, h264_v4l2m2m or h264_vaapi. The hardware's come with the package
	// callbox-hwenc; auto takes the first that shows that it works. When it fails the
	// software goes on (docs/encoders.md).
	Encoder Encoder `mapstructure:"encoder"`
	// VideoBitrate is the most that the video encoder aims at. On a way that carries
	// less it follows the way: first with less for each picture, then with fewer
	// pictures, then with smaller ones, and in the end with sound alone.
	VideoBitrate Bitrate `mapstructure:"video_bitrate"`
	// VideoBitrateMin is the least that pictures are worth sending with: where the way
	// leaves less, sound goes on alone until it leaves more again.
	VideoBitrateMin Bitrate `mapstructure:"video_bitrate_min"`
	// ReceiveBitrate is the most video that a phone is asked to send.
	ReceiveBitrate Bitrate `mapstructure:"receive_bitrate"`
	// AudioBitrate is the rate that the Opus encoder aims at.
	AudioBitrate Bitrate `mapstructure:"audio_bitrate"`
	// Cleaning says what is done to the microphone's sound before it is sent.
	Cleaning Cleaning `mapstructure:"sound"`
	// ICE says how the device looks for a way to the phone.
	ICE ICE `mapstructure:"ice"`
}

// Cleaning says what is done to the microphone's sound before it is sent.
type Cleaning struct {
	// Echo takes the speaker's sound out of the microphone's: speex, webrtc, or off
	// where the hardware or the sound server does it.
	Echo Echo `mapstructure:"echo"`
	// NoiseSuppression lowers steady noise such as that of a fan or a street.
	NoiseSuppression bool `mapstructure:"noise_suppression"`
}

// ICE says how the device looks for a way to the phone.
type ICE struct {
	// Servers are STUN and TURN servers, for the device and for the phones.
	Servers []ICEServer `mapstructure:"servers"`
	// TURNSecretFile holds the secret that the TURN servers without a username share
	// with this device (coturn: static-auth-secret); for each call credentials are
	// made from it. An absolute path, or the name of a systemd credential:
	// callbox.turn-secret. For single devices only: whoever has one device of a fleet
	// open would have the secret of all.
	TURNSecretFile string `mapstructure:"turn_secret_file"`
	// TURNLife is how long such credentials are good, 10s to 10m. A call that is
	// relayed renews them at half of it.
	TURNLife time.Duration `mapstructure:"turn_life"`
	// RelayOnly lets the device speak through its TURN servers only, so that phones do
	// not learn its addresses. Phones are not asked to do the same.
	RelayOnly bool `mapstructure:"relay_only"`
	// Loopback offers 127.0.0.1 too: for demonstrations and tests on one machine.
	Loopback bool `mapstructure:"loopback"`
	// Interfaces limits ICE to these network interfaces; empty: all.
	Interfaces []string `mapstructure:"interfaces"`
}

// ICEServer is one STUN or TURN server, as in RFC 7064 and 7065.
type ICEServer struct {
	// URLs are of one server, for example ["turn:turn.example.com:3478"].
	URLs []string `mapstructure:"urls"`
	// Username is needed by TURN, unless media.ice.turn_secret_file is set.
	Username string `mapstructure:"username"`
	// Credential is the password that belongs to it.
	Credential string `mapstructure:"credential"`
}

// Default is what is used when the configuration says nothing.
func Default() Media {
	return Media{
		Preconnect: PreconnectNetwork, VideoCodecs: []VideoCodec{CodecH264, CodecVP8}, Encoder: EncoderAuto, VideoBitrate: 1_200_000, VideoBitrateMin: 40_000, ReceiveBitrate: 1_500_000, AudioBitrate: 32_000,
		Cleaning: Cleaning{Echo: EchoSpeex, NoiseSuppression: true},
		ICE:      ICE{TURNLife: 10 * time.Minute},
	}
}

// Preconnect says how much is made ready while it rings.
type Preconnect string

// The steps of Preconnect.
const (
	PreconnectOff     Preconnect = "off"     // nothing: the answer travels in accept
	PreconnectNetwork Preconnect = "network" // ICE and DTLS
	PreconnectMedia   Preconnect = "media"   // and camera and encoder, with the camera's light
)

// UnmarshalText refuses every other word.
func (p *Preconnect) UnmarshalText(b []byte) error {
	switch v := Preconnect(b); v {
	case PreconnectOff, PreconnectNetwork, PreconnectMedia:
		*p = v
		return nil
	}
	return fmt.Errorf("cannot use preconnect %q; allowed: off, network, media", b)
}

// VideoCodec is a codec for pictures.
type VideoCodec string

// The codecs.
const (
	CodecH264 VideoCodec = "h264"
	CodecVP8  VideoCodec = "vp8"
)

// UnmarshalText refuses every other word.
func (c *VideoCodec) UnmarshalText(b []byte) error {
	switch v := VideoCodec(b); v {
	case CodecH264, CodecVP8:
		*c = v
		return nil
	}
	return fmt.Errorf("cannot use video codec %q; allowed: h264, vp8", b)
}

// Encoder is what encodes H.264.
type Encoder string

// The encoders.
const (
	EncoderAuto     Encoder = "auto"     // hardware that works, else the software
	EncoderSoftware Encoder = "software" // OpenH264
	EncoderV4L2     Encoder = "h264_v4l2m2m"
	EncoderVAAPI    Encoder = "h264_vaapi"
	EncoderX264     Encoder = "libx264" // libavcodec's own, in the place of hardware: for tests
)

// UnmarshalText refuses every other word.
func (e *Encoder) UnmarshalText(b []byte) error {
	switch v := Encoder(b); v {
	case EncoderAuto, EncoderSoftware, EncoderV4L2, EncoderVAAPI, EncoderX264:
		*e = v
		return nil
	}
	return fmt.Errorf("cannot use encoder %q; allowed: auto, software, h264_v4l2m2m, h264_vaapi", b)
}

// Echo is what takes the speaker's sound out of the microphone's.
type Echo string

// The echo cancellers.
const (
	EchoSpeex  Echo = "speex"  // speexdsp, with a suppressor of our own behind it
	EchoWebRTC Echo = "webrtc" // WebRTC's audio processing
	EchoOff    Echo = "off"    // the hardware does it
)

// UnmarshalText refuses every other word.
func (e *Echo) UnmarshalText(b []byte) error {
	switch v := Echo(b); v {
	case EchoSpeex, EchoWebRTC, EchoOff:
		*e = v
		return nil
	}
	return fmt.Errorf("cannot use echo canceller %q; allowed: speex, webrtc, off", b)
}

// Bitrate is in bit/s; in YAML "800kbit" or "2Mbit", a bare number is refused.
type Bitrate int

// MarshalText writes the form that UnmarshalText reads.
func (b Bitrate) MarshalText() ([]byte, error) {
	return []byte(strconv.FormatFloat(float64(b)/1000, 'f', -1, 64) + "kbit"), nil
}

// Pattern is the form that UnmarshalText reads, as a regular expression.
func (Bitrate) Pattern() string { return `^[0-9]*\.?[0-9]+(kbit|Mbit)$` }

// UnmarshalText reads a number with its unit, kbit or Mbit.
func (b *Bitrate) UnmarshalText(p []byte) error {
	text, unit := string(p), 0.0
	if n, ok := strings.CutSuffix(text, "kbit"); ok {
		text, unit = n, 1e3
	} else if n, ok := strings.CutSuffix(text, "Mbit"); ok {
		text, unit = n, 1e6
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || unit == 0 || f <= 0 || f*unit > 1e9 {
		return fmt.Errorf("cannot use bitrate %q: write it like 800kbit or 2Mbit", p)
	}
	*b = Bitrate(f * unit)
	return nil
}
