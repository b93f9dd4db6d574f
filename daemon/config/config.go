package config

import (
	"time"

	"callbox/hal"
	"callbox/media/options"
	"callbox/signaling/direct"
)

// DefaultFile is read when no other file is named. It may be missing.
const DefaultFile = "/etc/callbox/callbox.yaml"

// Config is the whole configuration. It is immutable: nobody writes to it after
// Load, so it may be read from any goroutine.
type Config struct {
	// Device says who this device is.
	Device Device `mapstructure:"device"`
	// Signaling says how phones and the device reach each other.
	Signaling Signaling `mapstructure:"signaling"`
	// Call says how calls are answered and how long they may take.
	Call Call `mapstructure:"call"`
	// Media says how picture and sound are coded and sent.
	Media options.Media `mapstructure:"media"`
	// HAL chooses the hardware.
	HAL hal.Options `mapstructure:"hal"`
	// Control is the local API.
	Control Control `mapstructure:"control"`
	// Log says what is logged and how.
	Log Log `mapstructure:"log"`
}

// Device is the device section.
type Device struct {
	// SN is the serial number in the device's address: 1 to 48 letters, digits, _
	// or -. Empty: the first 16 characters of the thumbprint of the device's key.
	SN string `mapstructure:"sn"`
	// Name is what a person is shown on the phone, at most 64 characters.
	Name string `mapstructure:"name"`
	// StateDir holds the device's key, the contacts and the call records. When it
	// is not set, $STATE_DIRECTORY (set by systemd) is used, and only then the
	// default.
	StateDir string `mapstructure:"state_dir"`
}

// Signaling is the signaling section.
type Signaling struct {
	// Direct serves phones on the device's own listener.
	Direct direct.Options `mapstructure:"direct"`
}

// Call is the call section.
type Call struct {
	// Answer says what happens to a permitted call: ring until a person answers,
	// or auto for callers that hold the right auto.
	Answer Answer `mapstructure:"answer"`
	// RingTimeout ends a call that nobody answers; 1s to 10m.
	RingTimeout time.Duration `mapstructure:"ring_timeout"`
	// ConnectTimeout ends an accepted call whose media does not connect; 1s to 2m.
	ConnectTimeout time.Duration `mapstructure:"connect_timeout"`
	// ReconnectTimeout ends a call that lost its media; 1s to 5m.
	ReconnectTimeout time.Duration `mapstructure:"reconnect_timeout"`
	// MaxDuration is the longest talk, 1s or more, or the word none. The smallest
	// of this and the limits of the invite and the contact holds.
	MaxDuration Duration `mapstructure:"max_duration"`
}

// Control is the control section.
type Control struct {
	// Socket is the absolute path of the Unix socket of the local API, at most 107
	// bytes long (sockaddr_un).
	Socket string `mapstructure:"socket"`
}

// Log is the log section.
type Log struct {
	// Level is the least important level that is logged: debug, info, warn or
	// error.
	Level LogLevel `mapstructure:"level"`
	// Format is auto (journal under systemd, console in a terminal, else JSON),
	// console or json.
	Format LogFormat `mapstructure:"format"`
}

// Default is the configuration of an empty file.
func Default() *Config {
	return &Config{
		Device: Device{Name: "callbox", StateDir: "/var/lib/callbox"},
		Signaling: Signaling{
			Direct: direct.DefaultOptions(),
		},
		Call: Call{
			Answer:           AnswerRing,
			RingTimeout:      60 * time.Second, // as WeChat; the phone gives up then too
			ConnectTimeout:   20 * time.Second,
			ReconnectTimeout: 30 * time.Second,
			MaxDuration:      Duration{Set: true, Value: time.Hour},
		},
		Media:   options.Default(),
		HAL:     hal.DefaultOptions(),
		Control: Control{Socket: "/run/callbox/control.sock"},
		Log:     Log{Level: LevelInfo, Format: FormatAuto},
	}
}
