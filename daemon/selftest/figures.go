package selftest

import "callbox/signaling/cause"

// Figures are what a test call measured. Members that could not be measured are absent,
// or zero where that says so.
type Figures struct {
	Device   Device  `json:"device"`
	RoomID   string  `json:"roomId,omitzero"`
	RoomType string  `json:"roomType"`              // video, voice
	Asked    float64 `json:"askedSeconds"`          // the limit of the invite
	Limit    float64 `json:"limitSeconds,omitzero"` // the one that the device set: a rule may make it shorter
	Codec    string  `json:"askedCodec,omitzero"`   // of pictures, the only one that the phone took: h264, vp8; absent: both, and the device has chosen
	Parts    Parts   `json:"parts"`
	Hardware []Part  `json:"hardware"`        // how each part was chosen
	Volume   *int    `json:"volume,omitzero"` // of the speaker, in percent; absent: not known
	Times    Times   `json:"times"`
	Down     Stream  `json:"down"` // what the phone got
	Up       Up      `json:"up"`   // what the device got
	Way      Way     `json:"way"`
	Latency  *Spread `json:"latencyMs,omitzero"`  // from the camera to the phone's network; absent: the camera writes no time into its picture
	Level    *Level  `json:"level,omitzero"`      // of the device's sound; absent: too little came
	Muted    bool    `json:"muted,omitzero"`      // the device said that its microphone is off
	CamOff   bool    `json:"cameraOff,omitzero"`  // the device said that its camera is off
	SpkOff   bool    `json:"speakerOff,omitzero"` // the device said that its speaker is off
	Echo     Echo    `json:"echo"`
	End      End     `json:"end"`
}

// Device is the one that was called.
type Device struct {
	Name       string `json:"name"`
	SN         string `json:"sn"`
	Thumbprint string `json:"thumbprint"`
	Version    string `json:"version"`
}

// Parts are those of the device; "" is none.
type Parts struct {
	Camera     string `json:"camera"`
	Microphone string `json:"microphone"`
	Speaker    string `json:"speaker"`
}

// Part is how the device has chosen one of its parts.
type Part struct {
	Kind    string `json:"kind"`            // camera, microphone, speaker, display
	Name    string `json:"name,omitzero"`   // absent: none
	Wanted  string `json:"wanted"`          // by the configuration: auto, none, virtual, a name
	Virtual bool   `json:"virtual"`         // a stand-in: no hardware is tested
	Reason  string `json:"reason,omitzero"` // why it is not what was wanted
}

// Times are in milliseconds from the invite on; 0: it did not happen.
type Times struct {
	Ringing      float64 `json:"ringing"`
	Accepted     float64 `json:"accepted"`
	Connected    float64 `json:"connected"` // ICE and DTLS are done: while it rings already, where the device preconnects
	Started      float64 `json:"started"`
	FirstSound   float64 `json:"firstSound"`
	FirstPicture float64 `json:"firstPicture"`
}

// Stream is what came of the device's media.
type Stream struct {
	Sound   Track   `json:"sound"`
	Picture Track   `json:"picture"`
	Width   int     `json:"width,omitzero"` // of the last whole picture, in pixels
	Height  int     `json:"height,omitzero"`
	Rate    float64 `json:"picturesPerSecond,omitzero"`
}

// Track is one of the two.
type Track struct {
	Codec   string  `json:"codec,omitzero"` // opus, VP8
	Packets uint64  `json:"packets"`
	Lost    uint64  `json:"lost"`
	Jitter  float64 `json:"jitterMs"`
	// Gap is the longest time without a packet, up to the end of the talk. Of sound, what
	// the device has left out because it was silent is no gap.
	Gap     float64 `json:"longestGapMs"`
	Bitrate float64 `json:"bitrate"` // bit/s, without headers
}

// loss is the share that did not come.
func (t Track) loss() float64 {
	if t.Packets+t.Lost == 0 {
		return 0
	}
	return float64(t.Lost) / float64(t.Packets+t.Lost)
}

// Up is what the device said of the phone's media.
type Up struct {
	Known     bool    `json:"known"` // it was asked in the talk
	Loss      float64 `json:"loss"`  // share, the mean of all seconds
	Concealed uint64  `json:"concealed"`
}

// Way is how media went.
type Way struct {
	Phone     string  `json:"phone,omitzero"` // kind, protocol, address:port
	Device    string  `json:"device,omitzero"`
	RoundTrip float64 `json:"roundTripMs,omitzero"` // 0: not measured
}

// Spread is a measure that was taken often.
type Spread struct {
	Count  int     `json:"count"`
	Median float64 `json:"median"`
	P95    float64 `json:"p95"`
	Most   float64 `json:"most"`
}

// End is how the call ended. Errors are in milliseconds behind the deadline.
type End struct {
	Cause    cause.Cause  `json:"cause"`
	Origin   cause.Origin `json:"origin,omitzero"`
	Detail   cause.Detail `json:"detail,omitzero"`
	ByDevice bool         `json:"byDevice"`
	Talk     float64      `json:"talkSeconds"`
	Known    bool         `json:"known"`         // the deadline by the device's word, and the two errors
	Device   float64      `json:"deviceErrorMs"` // when the device says that it ended the call
	Phone    float64      `json:"phoneErrorMs"`  // when the phone heard of it
	// After counts the packets of media that reached this machine after the deadline, by the
	// kernel's clock; where that is not known, after the phone's own start and the limit.
	After int `json:"packetsAfter"`
}

// limited reports whether the call ended as it should: at its limit, by the device.
func (e End) limited() bool {
	return e.Cause == cause.Hangup && e.Origin == cause.TimeLimit && e.ByDevice
}
