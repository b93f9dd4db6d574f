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
	Parts    Parts   `json:"parts"`
	Times    Times   `json:"times"`
	Down     Stream  `json:"down"` // what the phone got
	Up       Up      `json:"up"`   // what the device got
	Way      Way     `json:"way"`
	Latency  *Spread `json:"latencyMs,omitzero"` // from the camera to the phone's network; absent: the camera writes no time into its picture
	Level    *Level  `json:"level,omitzero"`     // of the device's sound; absent: too little came
	Muted    bool    `json:"muted,omitzero"`     // the device said that its microphone is off
	CamOff   bool    `json:"cameraOff,omitzero"` // the device said that its camera is off
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
	Gap     float64 `json:"longestGapMs"` // between two packets
	Bitrate float64 `json:"bitrate"`      // bit/s, without headers
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
	Known    bool         `json:"known"`         // the deadline, and what follows
	Device   float64      `json:"deviceErrorMs"` // when the device says that it ended the call
	Phone    float64      `json:"phoneErrorMs"`  // when the phone heard of it
	After    int          `json:"packetsAfter"`  // of media that reached this machine after the deadline, by the kernel's clock
}

// limited reports whether the call ended as it should: at its limit, by the device.
func (e End) limited() bool {
	return e.Cause == cause.Hangup && e.Origin == cause.TimeLimit && e.ByDevice
}
