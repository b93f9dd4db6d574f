// Package media is one call's WebRTC leg: it sends the device's camera and
// microphone, plays what the phone sends, and holds the second lock of the time
// limit. What it decides nothing about is who may call; it reports facts.
//
// An Engine lives as long as the daemon and owns the choice of devices and
// codecs; a Session lives as long as one call. Nothing of a session is left when
// Session.Close has returned.
package media

import (
	"cmp"
	"context"
	"time"

	"callbox/hal"
)

// Event is a fact about a running session. The daemon turns it into an event of
// the call machine. Events come from one goroutine, in order.
//
//sumtype:decl
type Event interface{ mediaEvent() }

// The events of a session.
type (
	// LocalCandidates are candidates of ours for the phone, batched over about 30
	// ms: RTCIceCandidateInit each. End is true when no more will come.
	LocalCandidates struct {
		Generation int
		Candidates []Candidate
		End        bool
	}
	// Connected means that ICE and DTLS are done; it comes once.
	Connected struct{}
	// Started means that media may flow: accepted and connected. The lock is
	// armed from now on; Deadline is on clock.Boot, 0 when there is no limit.
	Started struct{ At, Deadline time.Duration }
	// Lost means that the way to the phone was lost (ICE disconnected).
	Lost struct{}
	// Back means that media of the phone flows again after Lost.
	Back struct{}
	// Failed means that the session cannot go on (DTLS failed or closed by the
	// other side, ICE failed before it was ever connected).
	Failed struct{ Err error }
	// Data is one text frame of the data channel "callbox".
	Data struct{ Text []byte }
	// DataOpen means that SendData works from now on.
	DataOpen struct{}
	// DeadlineReached means that the session's own lock has shut the gate.
	DeadlineReached struct{ At time.Duration }
	// DeviceGone means that a camera or sound device went away, or that the light
	// that it requires is not confirmed to be on; the call goes on without it.
	DeviceGone struct {
		// Kind is "camera", "sound", "display" or "light"; "microphone" or "speaker" when
		// the other half of the sound stays, or is another device.
		Kind string
		Name string
		Err  error
	}
	// DeviceBack means that what was told gone works again: one for each
	// DeviceGone of a camera, a sound device, a display or the light that comes back.
	DeviceBack struct{ Kind, Name string }
)

func (LocalCandidates) mediaEvent() {}
func (Connected) mediaEvent()       {}
func (Started) mediaEvent()         {}
func (Lost) mediaEvent()            {}
func (Back) mediaEvent()            {}
func (Failed) mediaEvent()          {}
func (Data) mediaEvent()            {}
func (DataOpen) mediaEvent()        {}
func (DeadlineReached) mediaEvent() {}
func (DeviceGone) mediaEvent()      {}
func (DeviceBack) mediaEvent()      {}

// Candidate is an RTCIceCandidateInit as it stands on the wire.
type Candidate struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid,omitzero"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex,omitzero"`
	UsernameFragment *string `json:"usernameFragment,omitzero"`
}

// Devices are the parts of the device that a call uses; each may be nil.
type Devices struct {
	Camera     hal.Camera
	CameraMode hal.VideoMode // wanted
	// CameraLabel is what people call it; "": its name.
	CameraLabel string
	// MoreCameras are those that a call can switch to.
	MoreCameras []Camera
	Sound       hal.Sound
	Display     hal.Display

	// Light is on whenever the camera or the microphone is open. When it is
	// required, neither opens until it is confirmed to be on.
	Light         Light
	LightRequired bool

	// Listen begins to hear of devices that are plugged in; kind is as in DeviceGone, but
	// for the halves of the sound. nil:
	// those that are gone are looked for each 2 s only.
	Listen func(kind string) Listener
}

// Listener hears of devices of one kind that are plugged in. It is for one goroutine at a
// time.
type Listener interface {
	// Wait waits until a device may be there, d has passed, or ctx has ended. What has
	// come since the last Wait counts, too.
	Wait(ctx context.Context, d time.Duration)
	// Close ends the listening.
	Close()
}

// Camera is one that a call can show.
type Camera struct {
	hal.Camera
	Label string        // for people; "": its name
	Mode  hal.VideoMode // wanted
}

// Title is what people call it.
func (c Camera) Title() string { return cmp.Or(c.Label, c.Name()) }

// Limit is a time limit. The zero value is none: "none" is a flag of its own,
// never a duration of 0.
type Limit struct {
	Set      bool
	Duration time.Duration // > 0 when Set
}

// Stats is a snapshot of a session's counters.
type Stats struct {
	VideoFramesSent     uint64  `json:"videoFramesSent"`
	VideoBytesSent      uint64  `json:"videoBytesSent"`
	KeyframesSent       uint64  `json:"keyframesSent"`
	AudioPacketsSent    uint64  `json:"audioPacketsSent"`
	AudioPacketsLost    uint64  `json:"audioPacketsLost"`
	AudioPacketsPlayed  uint64  `json:"audioPacketsPlayed"`
	AudioConcealed      uint64  `json:"audioConcealed"` // frames of 10 ms
	AudioDelay          float64 `json:"audioDelayMs"`   // that the playout buffer adds
	AudioWanted         float64 `json:"audioWantedMs"`  // that it aims at: by this much nearly no packet is later than the fastest, which is the jitter
	AudioUnderruns      uint64  `json:"audioUnderruns"` // times that the sound device was served too late: some tens of ms were lost each time
	EchoDelay           float64 `json:"echoDelayMs"`    // from the speaker to the microphone, with the sound device's buffers; 0: not known
	EchoReturnLoss      float64 `json:"echoReturnLoss"` // dB by which the microphone's sound is lowered while the speaker plays
	VideoFramesReceived uint64  `json:"videoFramesReceived"`
	VideoFramesDecoded  uint64  `json:"videoFramesDecoded"`
	VideoFreezes        uint64  `json:"videoFreezes"`                // times that the display stood still (freezeCount of W3C's webrtc-stats)
	VideoCodec          string  `json:"videoCodec,omitzero"`         // of the pictures that are sent
	VideoEncoder        string  `json:"videoEncoder,omitzero"`       // that made the picture that was sent last: openh264, libvpx, h264_vaapi …, camera
	VideoReceivedCodec  string  `json:"videoReceivedCodec,omitzero"` // of the picture that was shown last
	RTTMilliseconds     float64 `json:"rttMs"`
	BitrateUp           uint64  `json:"bitrateUp"`                // RTP in bit/s, over the last second
	BitrateDown         uint64  `json:"bitrateDown"`              // the same
	LossUp              float64 `json:"lossUp"`                   // share of our packets that the phone last reported lost, 0 to 1: the worse of sound and picture
	LossDown            float64 `json:"lossDown"`                 // share of the phone's packets of the last second that did not come, the same
	JitterUp            float64 `json:"jitterUpMs"`               // interarrival jitter of our sound that the phone last reported (RFC 3550, 6.4.1)
	JitterDown          float64 `json:"jitterDownMs"`             // of the phone's sound
	VideoWidth          int     `json:"videoWidth"`               // pixels that the camera gives; 0 while it is closed
	VideoHeight         int     `json:"videoHeight"`              // the same
	VideoFrameRate      float64 `json:"videoFrameRate"`           // pictures sent in the last second
	VideoSentWidth      int     `json:"videoSentWidth"`           // pixels of the pictures that are sent: smaller on a slow way
	VideoSentHeight     int     `json:"videoSentHeight"`          // the same
	VideoLeftOut        uint64  `json:"videoLeftOut"`             // pictures that were not sent because the way was full
	CameraFramesBad     uint64  `json:"cameraFramesBad"`          // pictures of the camera that were damaged, and skipped
	CameraFramesLate    uint64  `json:"cameraFramesLate"`         // pictures of the camera that came before the one in front was encoded, and were skipped: the device is too slow for them
	TargetUp            uint64  `json:"targetUp"`                 // bit/s of RTP that the way is believed to carry
	QueueUp             float64 `json:"queueUpMs"`                // how long packets wait on the way, ms
	LocalCandidate      string  `json:"localCandidate,omitzero"`  // type, protocol, address:port
	RemoteCandidate     string  `json:"remoteCandidate,omitzero"` // the same
}
