// Package control is the local API: HTTP with JSON on a Unix socket, versioned
// under /v1, for a maker's own screen, door button or script, and for callboxctl.
//
// The server decides nothing: it checks, asks a Backend and writes the answer.
// GET /v1/events is a stream of server-sent events (WHATWG HTML, 9.2). docs/api.md
// is the manual, docs/openapi.yaml the description for programs.
//
// Times are RFC 3339 of the device's wall clock; lengths are seconds, and members
// named so end in Seconds.
package control

import (
	"encoding/json"
	"time"
)

// Status is what the device is doing: GET /v1/status.
type Status struct {
	Name               string            `json:"name"`
	SN                 string            `json:"sn"`
	Address            string            `json:"address"`
	Thumbprint         string            `json:"thumbprint"` // of the device's key (dkt)
	Version            string            `json:"version"`
	ConfigFile         string            `json:"configFile,omitzero"` // the file of the configuration; when it is not there, the defaults count
	StateDir           string            `json:"stateDir,omitzero"`   // where its key and its contacts are
	UptimeSeconds      float64           `json:"uptimeSeconds"`
	UpgradeWaitSeconds float64           `json:"upgradeWaitSeconds"` // how long an upgrade of the package waits for the running call (call.upgrade_wait)
	Seq                uint64            `json:"seq"`                // number of the newest event that this includes
	State              string            `json:"state"`              // idle, ringing, dialing, connecting, talking, reconnecting
	Call               *Call             `json:"call,omitzero"`
	Devices            []Device          `json:"devices"`
	Transports         []Transport       `json:"transports"`
	Contacts           int               `json:"contacts"`
	DND                DND               `json:"dnd"`
	Pairing            *PairWindow       `json:"pairing,omitzero"`
	Refused            map[string]uint64 `json:"refused"` // counted by reason since the start
}

// Call is the running call.
type Call struct {
	RoomID           string          `json:"roomId"`
	GroupID          string          `json:"groupId"`   // the same, but in a call to several phones: see CallStarted
	Direction        string          `json:"direction"` // in, out
	Contact          string          `json:"contact"`
	Phone            string          `json:"phone"`            // jkt
	Dialing          []string        `json:"dialing,omitzero"` // the contacts that are being rung
	Reached          []string        `json:"reached,omitzero"` // those of dialing whose phone has shown that it got the ring; the others ring nowhere yet
	RoomType         string          `json:"roomType"`         // voice, video
	State            string          `json:"state"`
	Since            time.Time       `json:"since"`
	TalkSeconds      int             `json:"talkSeconds"`
	LimitSeconds     float64         `json:"limitSeconds,omitzero"`
	RemainingSeconds float64         `json:"remainingSeconds,omitzero"`
	Deadline         float64         `json:"deadline,omitzero"`   // seconds on CLOCK_BOOTTIME
	Microphone       bool            `json:"microphone"`          // people at the device want it on, and it has one
	Camera           bool            `json:"camera"`              // the same
	Missing          []string        `json:"missing,omitzero"`    // of camera, microphone, speaker, light: what is not there at the moment
	CameraName       string          `json:"cameraName,omitzero"` // the label or name of the one that is shown
	Peer             *PeerInfo       `json:"peer,omitzero"`       // what the phone says of itself
	Link             *Link           `json:"link,omitzero"`       // how well media flows; none before it does
	Media            json.RawMessage `json:"media,omitzero"`      // media.Stats, for engineers: its members may change
}

// Link is how well a call's media flows, over the last second or so.
type Link struct {
	SendBitrate     float64 `json:"sendBitrate"`     // bit/s
	ReceiveBitrate  float64 `json:"receiveBitrate"`  // bit/s
	SendLoss        float64 `json:"sendLoss"`        // share of our packets that the phone missed, 0 to 1
	ReceiveLoss     float64 `json:"receiveLoss"`     // share of the phone's packets that we missed, 0 to 1
	RTTMilliseconds float64 `json:"rttMilliseconds"` // 0: not measured yet

	SendJitterMilliseconds    float64 `json:"sendJitterMilliseconds"`    // of our sound, as the phone last reported it (RFC 3550, section 6.4.1)
	ReceiveJitterMilliseconds float64 `json:"receiveJitterMilliseconds"` // of the phone's sound
	FrameRate                 float64 `json:"frameRate"`                 // pictures a second that are sent

	FramesSent       uint64  `json:"framesSent"`       // since the talk began
	FramesSkipped    uint64  `json:"framesSkipped"`    // of the camera: damaged, or more than the device can encode
	FramesShown      uint64  `json:"framesShown"`      // the phone's, on the display
	Freezes          uint64  `json:"freezes"`          // times that the phone's picture stood still
	ConcealedSeconds float64 `json:"concealedSeconds"` // sound that was made up because its packets did not come

	SendCodec       string  `json:"sendCodec,omitzero"`       // of the pictures: h264, vp8
	ReceiveCodec    string  `json:"receiveCodec,omitzero"`    // the same
	LocalCandidate  string  `json:"localCandidate,omitzero"`  // host, srflx, prflx, relay: the kind of way that was chosen
	RemoteCandidate string  `json:"remoteCandidate,omitzero"` // the same
	CPU             float64 `json:"cpu"`                      // cores that the daemon uses, 1 is one core
}

// Transport is a way on which phones reach the device.
type Transport struct {
	Name   string   `json:"name"`
	Up     bool     `json:"up"`
	URLs   []string `json:"urls,omitzero"`
	Phones int      `json:"phones"` // proven connections
	Detail string   `json:"detail,omitzero"`
}

// Version is the software: GET /v1/version.
type Version struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	Protocol int    `json:"protocol"`
	Platform string `json:"platform"`
}

// Switch turns something on or off: POST /v1/call/microphone and …/camera.
type Switch struct {
	On bool `json:"on"`
}

// CameraChoice is a camera of the device: POST /v1/call/camera/switch.
type CameraChoice struct {
	Camera  string `json:"camera,omitzero"`  // its label or name; in a request, absent: the next one
	Missing string `json:"missing,omitzero"` // only in the answer: why the camera is not there; until it comes the phone gets a slate
}

// Empty is the answer of a request that only does something.
type Empty struct{}
