package control

import (
	"encoding/json"
	"time"
)

// Device is a piece of hardware that was chosen.
type Device struct {
	Kind    string `json:"kind"` // camera, microphone, speaker, display, button, light, encoder
	Name    string `json:"name"` // "" when there is none; of a button the device or line that it is on
	Wanted  string `json:"wanted"`
	Virtual bool   `json:"virtual"`
	Reason  string `json:"reason,omitzero"` // why it is not what was wanted
	Detail  string `json:"detail,omitzero"` // of an encoder: what was measured of it
	Button  string `json:"button,omitzero"` // of a button: its name in the configuration
	State   string `json:"state,omitzero"`  // of a button: found, missing, no such key, no permission, busy
}

// Devices is the hardware: GET /v1/devices.
type Devices struct {
	Chosen []Device      `json:"chosen"`
	Found  []FoundDevice `json:"found"`           // all that the configuration could name
	Detail string        `json:"detail,omitzero"` // what could not be looked at, and why
}

// FoundDevice is a piece of hardware that is there, in use or not.
type FoundDevice struct {
	Kind        string   `json:"kind"`
	Name        string   `json:"name"` // what the configuration says
	Description string   `json:"description"`
	Driver      string   `json:"driver"`              // V4L2, ALSA, PulseAudio, DRM, LED, evdev
	OtherNames  []string `json:"otherNames,omitzero"` // what the configuration may say, too
	StableName  string   `json:"stableName,omitzero"` // the one of them to configure, where the name may be that of an equal device after a restart
}

// Volume is how loud the speaker is: GET and PUT /v1/volume.
type Volume struct {
	Percent int `json:"percent"` // 0 to 100
}

// DND is do-not-disturb: GET, PUT and DELETE /v1/dnd.
type DND struct {
	On    bool      `json:"on"`
	Until time.Time `json:"until,omitzero"` // absent: until it is turned off
}

// Clock is what the device knows about time: GET /v1/clock.
type Clock struct {
	Wall        time.Time `json:"wall"`    // in the device's time zone
	Trusted     bool      `json:"trusted"` // hours and tokens count by it only then
	Detail      string    `json:"detail,omitzero"`
	BootSeconds float64   `json:"bootSeconds"` // CLOCK_BOOTTIME
	TimeZone    string    `json:"timeZone"`    // "Europe/Berlin"
}

// The states of a Finding.
const (
	StateOK      = "ok"
	StateWarning = "warning" // works, with a drawback
	StateProblem = "problem" // does not work until a person does something
	StateOff     = "off"     // is not wanted
)

// Finding is one thing that doctor looked at: GET /v1/doctor.
type Finding struct {
	Name    string `json:"name"`  // camera, microphone, transport direct, clock, store …
	State   string `json:"state"` // ok, warning, problem, off
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitzero"`
}

// ReloadResult is what a reload of the configuration did: POST /v1/reload. Keys
// are dotted paths.
type ReloadResult struct {
	Changed     []string `json:"changed"`     // count now
	NeedRestart []string `json:"needRestart"` // differ, and count after a restart of the daemon
}

// Metric is a family of numbers for GET /v1/metrics.
type Metric struct {
	Name    string // callbox_calls_total
	Help    string // one sentence
	Counter bool   // only grows; else a gauge
	Samples []Sample
}

// Sample is one number of a Metric. Labels are pairs of name and value.
type Sample struct {
	Labels [][2]string
	Value  float64
}

// ReportParts are the parts of a bug report that only the daemon knows.
type ReportParts struct {
	// People tells that names, thumbprints and addresses of people may stand in
	// the report (records.people_in_bugreport is full). The server takes them out of
	// the state and the events otherwise.
	People  bool
	Config  json.RawMessage // without secrets
	Records []Record        // the newest 100 or so, of people only what may stand in the report
}

// BugReport is what helps to find a fault: GET /v1/bugreport.
type BugReport struct {
	Created    time.Time       `json:"created"`
	People     bool            `json:"people"` // names of people stand in it
	Version    Version         `json:"version"`
	Status     *Status         `json:"status"` // null: it could not be had; see Problems
	Clock      *Clock          `json:"clock"`
	Devices    *Devices        `json:"devices"`
	Doctor     []Finding       `json:"doctor"`
	Config     json.RawMessage `json:"config"`
	Records    []Record        `json:"records"`
	Events     []Event         `json:"events"` // the newest, without what they say of people
	Metrics    string          `json:"metrics"`
	Goroutines int             `json:"goroutines"`
	Stacks     string          `json:"stacks"`
	Problems   []string        `json:"problems,omitzero"` // what could not be collected
}
