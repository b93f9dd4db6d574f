package config

import (
	"time"

	"callbox/daemon/policy"
	"callbox/hal"
	"callbox/media/options"
	"callbox/signaling/direct"
	"callbox/signaling/mqtt"
	"callbox/signaling/push"
	"callbox/signaling/relay"
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
	// Policy says who may call and be called, when and for how long; docs/policy.md
	// explains how it is decided.
	Policy Policy `mapstructure:"policy"`
	// Records says which call records are kept and what they tell of people.
	Records Records `mapstructure:"records"`
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
	// Page is the address of the call page where the maker hosts it for all devices, for
	// example https://call.example.com/: pairing codes lead there, and it may connect to
	// the direct transport. Empty: the page that the device serves itself.
	Page string `mapstructure:"page"`
	// Announce tells the local network of the direct transport by multicast DNS
	// (service _callbox._tcp), with the device's name, serial number and thumbprint.
	// Nothing is told while it listens on loopback.
	Announce bool `mapstructure:"announce"`
	// Issuers are the backends whose call tokens let phones call that are no contacts;
	// docs/tokens.md explains them.
	Issuers []Issuer `mapstructure:"issuers"`
	// MQTT is a broker at which device and phones meet; docs/mqtt.md says what it
	// must allow.
	MQTT mqtt.Options `mapstructure:"mqtt"`
	// Relay lets the maker's own channel carry the messages; docs/relay.md.
	Relay relay.Options `mapstructure:"relay"`
	// Push wakes phones that no transport reaches when the device calls them.
	Push push.Options `mapstructure:"push"`
}

// Call is the call section.
type Call struct {
	// Answer says what happens to a permitted call of contacts for whom policy says
	// nothing of it: ring until a person answers, or auto for callers that hold the
	// right auto.
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
	// Announcement is the absolute path of the WAV file that is played on the device
	// before a call that was answered without a person is heard. Empty: the built-in
	// chime.
	Announcement string `mapstructure:"announcement"`
	// Tones lets people at the device hear where a call stands: ringing, ring-back,
	// busy, the end. Warnings and announcements are heard in any case.
	Tones bool `mapstructure:"tones"`
	// DialMode says how the device calls several contacts when nothing else is
	// asked: all together, or in_turn one after the other.
	DialMode DialMode `mapstructure:"dial_mode"`
	// Warnings are the times before the end of a limited call at which both sides
	// are warned; 1s to 1h each.
	Warnings []time.Duration `mapstructure:"warnings"`
	// UpgradeWait is how long an upgrade of the package waits for the running call
	// before it ends it, 0s to 1h; 0s: not at all.
	UpgradeWait time.Duration `mapstructure:"upgrade_wait"`
}

// Policy is the policy section.
type Policy struct {
	// TimeZone is the zone of days, hours and schedules, as the IANA names it, for
	// example Europe/Berlin. Empty: the system's.
	TimeZone TimeZone `mapstructure:"time_zone"`
	// UntrustedClock says what counts while the device does not know the time: deny
	// refuses contacts that have hours and takes do_not_disturb as in force; allow
	// does the opposite.
	UntrustedClock policy.UntrustedClock `mapstructure:"untrusted_clock"`
	// Default is the rule of all contacts where neither they nor their groups say
	// anything.
	Default Rule `mapstructure:"default"`
	// Groups are rules that contacts share. Of several groups of a contact the
	// strictest restriction counts, and the rights of all together.
	Groups []Group `mapstructure:"groups"`
	// DoNotDisturb are the times at which incoming calls are refused, for example
	// ["22:00-07:00", "Sat,Sun 13:00-15:00"]. A window that begins in the evening
	// ends on the next day.
	DoNotDisturb policy.Schedule `mapstructure:"do_not_disturb"`
	// AttemptsAnHour is how many calls each contact may try in an hour, whatever comes
	// of them: 1 to 1000.
	AttemptsAnHour int `mapstructure:"attempts_an_hour"`
}

// Rule is what a group or the default says. A key that is left out says nothing.
type Rule struct {
	// Rights are what the contacts may do: call, beCalled, auto (be answered without
	// a person, where answer is auto too), unlock (open the door).
	Rights []policy.Right `mapstructure:"rights"`
	// Answer is ring, or auto for callers that hold the right auto. Not set: as
	// call.answer says.
	Answer Answer `mapstructure:"answer"`
	// LongestCall is the longest talk, 1s or more, or the word none. call.max_duration
	// holds beside it.
	LongestCall *Duration `mapstructure:"longest_call"`
	// TalkADay is how long each contact may talk in a day, both directions together:
	// 1s to 24h, or the word none.
	TalkADay *Duration `mapstructure:"talk_a_day"`
	// Hours are when the contacts may call, for example ["Mon-Fri 08:00-20:00"]. Not
	// set: at all times.
	Hours policy.Schedule `mapstructure:"hours"`
	// Camera says whether the contacts may see the device's camera. Where nobody
	// says anything they may.
	Camera *bool `mapstructure:"camera"`
	// ThroughDND says whether calls come through do-not-disturb. Where nobody says
	// anything they do not.
	ThroughDND *bool `mapstructure:"through_dnd"`
}

// Group is a rule with a name.
type Group struct {
	// Name is how contacts refer to the group: 1 to 64 characters, no comma.
	Name string `mapstructure:"name"`
	Rule `mapstructure:",squash"`
}

// Records is the records section.
type Records struct {
	// Keep is how many call records are kept, the newest: 1 to 100000.
	Keep int `mapstructure:"keep"`
	// KeepFor is how long a call record is kept, for example 90d. 0s: until there are
	// too many.
	KeepFor time.Duration `mapstructure:"keep_for"`
	// People says what a call record tells of who called: full (name and thumbprint
	// of the key), thumbprint, or none.
	People People `mapstructure:"people"`
	// PeopleInBugreport is the same for the call records in callboxctl bugreport.
	// What else stands there names people only with full.
	PeopleInBugreport People `mapstructure:"people_in_bugreport"`
}

// Control is the control section.
type Control struct {
	// Socket is the absolute path of the Unix socket of the local API, at most 107
	// bytes long (sockaddr_un). callboxctl reads it in the default file; systemd's
	// daemon makes a link to it where the default socket would be.
	Socket string `mapstructure:"socket"`
	// Group is the name of the group whose members may use the socket, beside root.
	// Empty: the socket keeps the group of the daemon.
	Group string `mapstructure:"group"`
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
			Direct:   direct.DefaultOptions(),
			Announce: true,
			MQTT:     mqtt.DefaultOptions(),
			Push:     push.DefaultOptions(),
		},
		Call: Call{
			Answer:           AnswerRing,
			RingTimeout:      60 * time.Second, // as WeChat; the phone gives up then too
			ConnectTimeout:   20 * time.Second,
			ReconnectTimeout: 30 * time.Second,
			MaxDuration:      Duration{Set: true, Value: time.Hour},
			DialMode:         DialTogether,
			Tones:            true,
			Warnings:         []time.Duration{30 * time.Second, 10 * time.Second},
			UpgradeWait:      10 * time.Minute,
		},
		Policy:  Policy{UntrustedClock: policy.UntrustedDeny, AttemptsAnHour: 60},
		Records: Records{Keep: 1000, People: PeopleFull, PeopleInBugreport: PeopleThumbprint},
		Media:   options.Default(),
		HAL:     hal.DefaultOptions(),
		Control: Control{Socket: "/run/callbox/control.sock", Group: "callbox"},
		Log:     Log{Level: LevelInfo, Format: FormatAuto},
	}
}
