package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
	"callbox/signaling/cause"
)

// door is a daemon in the middle of a call.
type door struct {
	events *control.Events
	after  func(d *door) // runs once a call was begun or answered
	file   string        // of its configuration
	state  string        // its directory
	idle   atomic.Bool   // no call is running any more

	impatient bool // its call.upgrade_wait is 0s

	mu    sync.Mutex
	asked []string
}

func (d *door) note(what string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, what)
	return nil
}

func (d *door) noteJSON(what string, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return d.note(what + " " + string(raw))
}

func (d *door) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.asked...)
}

var since = time.Date(2026, 11, 24, 18, 30, 5, 0, time.UTC)

func talking() control.Status {
	return control.Status{
		Name: "Front door", SN: "door-1", Address: "d.door-1", Thumbprint: "CRFZQaU4cVWkyh7ORVhYEfwFt99lXGi5oDhoF69j_7s", Version: "0.1.0", UptimeSeconds: 3725, UpgradeWaitSeconds: 600, State: "talking",
		Call: &control.Call{
			RoomID: "kR3v9", GroupID: "kR3v9", Direction: control.In, Contact: "Anna", RoomType: "video", State: "talking",
			Since: since, TalkSeconds: 65, LimitSeconds: 600, RemainingSeconds: 535, Microphone: true, Camera: true,
			Link: &control.Link{SendBitrate: 1_234_000, ReceiveBitrate: 640_400, SendLoss: 0.031, ReceiveLoss: 0.0004, RTTMilliseconds: 23.4,
				SendJitterMilliseconds: 2.4, ReceiveJitterMilliseconds: 31, FrameRate: 29, FramesSent: 1900, FramesSkipped: 12, FramesShown: 950, Freezes: 2, ConcealedSeconds: 0.34,
				SendCodec: "h264", ReceiveCodec: "vp8", LocalCandidate: "host", RemoteCandidate: "relay", CPU: 0.214},
			Peer: &control.PeerInfo{Mic: true, Speaker: true, Quality: 4},
		},
		Devices: []control.Device{
			{Kind: "camera", Name: "test pattern", Wanted: "auto", Virtual: true, Reason: "no camera was found"},
			{Kind: "microphone", Name: "Loopback,0", Wanted: "auto"},
			{Kind: "display", Wanted: "none"},
			{Kind: "button", Name: "usb-Acme_Button-event-kbd", Wanted: "bell (KEY_ENTER of auto)", Button: "bell", State: "found"},
			{Kind: "button", Wanted: "help (KEY_F1 of auto)", Button: "help", State: "missing", Reason: "no input device has KEY_F1"},
			{Kind: "encoder", Name: "h264_v4l2m2m", Wanted: "auto", Detail: "4.2 ms a picture, libavcodec 59.37.100"},
		},
		Transports: []control.Transport{{Name: "direct", Up: true, Phones: 1, URLs: []string{"https://192.168.1.9:8443/"}, Detail: "self-made certificate"}},
		Contacts:   2,
		Pairing:    &control.PairWindow{Expires: since.Add(5 * time.Minute)},
		Refused:    map[string]uint64{"busy": 2, "signature": 1, "stale": 0},
	}
}

func (d *door) Status(context.Context) (control.Status, error) {
	s := talking()
	s.ConfigFile, s.StateDir = d.file, d.state
	if d.impatient {
		s.UpgradeWaitSeconds = 0
	}
	if d.idle.Load() {
		s.State, s.Call = "idle", nil
	}
	return s, nil
}
func (d *door) Version() control.Version {
	return control.Version{Version: "0.1.0", Go: "go1.26", Protocol: 1, Platform: "linux/arm64"}
}

func (d *door) Call(_ context.Context, r control.CallRequest) (control.CallStarted, error) {
	switch r.To[0] {
	case "Zoe":
		return control.CallStarted{}, control.ErrNoContact.With("no contact is called Zoe")
	case "Bert":
		return control.CallStarted{}, control.ErrNotAllowed.With(`Bert may not be called: he lacks the right "beCalled"`)
	case "busy":
		return control.CallStarted{}, control.ErrBusy
	}
	err := d.noteJSON("call", r)
	d.begin()
	return control.CallStarted{RoomID: "r1", GroupID: "g1"}, err
}

// begin lets what follows a call happen.
func (d *door) begin() {
	if d.after != nil {
		d.after(d)
	}
}

func (d *door) Answer(_ context.Context, room string) error {
	d.begin()
	return d.note("answer " + room)
}
func (d *door) Reject(context.Context, string) error { return control.ErrNotRinging }
func (d *door) HangUp(_ context.Context, room string) error {
	if room != "" {
		return control.ErrNoCall
	}
	return d.note("hangup")
}
func (d *door) SetMicrophone(_ context.Context, on bool) error {
	return d.note(map[bool]string{true: "microphone on", false: "microphone off"}[on])
}
func (d *door) SetCamera(_ context.Context, on bool) error {
	return d.note(map[bool]string{true: "camera on", false: "camera off"}[on])
}
func (d *door) SwitchCamera(_ context.Context, camera string) (control.CameraChoice, error) {
	switch camera {
	case "Cellar":
		return control.CameraChoice{}, control.ErrNoDevice.With("cannot switch to camera \"Cellar\": no such camera; there are: Door, Yard")
	case "Gate":
		return control.CameraChoice{Camera: camera, Missing: `camera "usb-Gate" is not there`}, d.note("switch " + camera)
	}
	return control.CameraChoice{Camera: "Yard"}, d.note("switch " + camera)
}
func (d *door) SendData(_ context.Context, r control.DataRequest) (control.DataResult, error) {
	if string(r.Payload) == `"ping"` {
		return control.DataResult{ID: "d1"}, nil
	}
	return control.DataResult{ID: "d1", Error: "noHandler"}, nil
}
func (d *door) AnswerData(_ context.Context, a control.DataAnswer) error {
	if a.ID != "d1" {
		return control.ErrNoData
	}
	return d.noteJSON("answerData", a)
}
func (d *door) OpenPairing(_ context.Context, r control.PairRequest) (control.PairWindow, error) {
	if r.Replaces == "Zoe" {
		return control.PairWindow{}, control.ErrNoContact.With("no contact is called Zoe")
	}
	return control.PairWindow{Replaces: r.Replaces, URL: "https://192.168.1.9:8443/#pair=eyJ", Expires: since.Add(time.Duration(r.Seconds) * time.Second), Rights: r.Rights}, nil
}
func (d *door) ClosePairing(context.Context) error { return d.note("close") }

func (d *door) Contacts(context.Context) ([]control.Contact, error) {
	return []control.Contact{
		{Name: "Anna", Thumbprint: strings.Repeat("a", 43), Rights: []string{"call", "unlock"}, EffectiveRights: []string{"call", "unlock"}, Groups: []string{"family"}, Added: since, Reach: control.ReachConnected},
		{Name: "Bert's old phone", Thumbprint: strings.Repeat("b", 43), Rights: []string{"call"}, Added: since, Revoked: true},
		{Name: "Carl \x1b[2J\u202eevil", Thumbprint: strings.Repeat("c", 43), EffectiveRights: []string{"call", "beCalled"}, Groups: []string{"family", "friends"}, Added: since, Reach: control.ReachNone},
	}, nil
}
func (d *door) AddContact(_ context.Context, c control.NewContact) (control.Contact, error) {
	if c.Name == "Anna" {
		return control.Contact{}, control.ErrExists.With("Anna is another contact's name")
	}
	return control.Contact{Name: c.Name, Thumbprint: strings.Repeat("d", 43), Rights: c.Rights, EffectiveRights: c.Rights, MaxSeconds: c.MaxSeconds, Camera: c.Camera}, d.noteJSON("add", c)
}
func (d *door) ChangeContact(_ context.Context, who string, c control.ContactChange) (control.Contact, error) {
	if who != "Anna" {
		return control.Contact{}, control.ErrNoContact.With("no contact is called " + who)
	}
	name := who
	if c.Name.Set {
		name = c.Name.Value
	}
	return control.Contact{Name: name, Thumbprint: strings.Repeat("a", 43), EffectiveRights: []string{"call"}, Groups: c.Groups.Value, Hours: c.Hours.Value, DaySeconds: c.DaySeconds.Value}, d.noteJSON("change", c)
}
func (d *door) ReplaceContact(_ context.Context, who string, k control.NewKey) (control.Contact, error) {
	if who != "Anna" {
		return control.Contact{}, control.ErrNoContact.With("no contact is called " + who)
	}
	return control.Contact{Name: who, Thumbprint: strings.Repeat("e", 43), EffectiveRights: []string{"call"}}, d.noteJSON("replace", k)
}
func (d *door) Revoke(_ context.Context, who string) (control.Contact, error) {
	if who != "Anna" {
		return control.Contact{}, control.ErrNoContact.With("no contact is called " + who)
	}
	return control.Contact{Name: who, Revoked: true}, d.note("revoke " + who)
}
func (d *door) Forget(_ context.Context, who string) (control.Contact, error) {
	return control.Contact{Name: who}, d.note("forget " + who)
}
func (d *door) ExplainPolicy(_ context.Context, q control.PolicyQuery) (control.PolicyExplanation, error) {
	at := q.At
	if at.IsZero() {
		at = since
	}
	left := 1800.0
	e := control.PolicyExplanation{
		Contact: q.Contact, At: at, Direction: q.Direction, RoomType: q.RoomType, Allowed: true, Answer: "ring", LimitSeconds: 600, Camera: true,
		DayLeftSeconds: &left, ClockTrusted: true, Rule: `the contact has the right "call"`,
		Rules: []control.PolicyRule{
			{Name: "right", Says: "contact Anna: rights has call", Outcome: control.OutcomeYes},
			{Name: "hours", Says: "contact Anna: says nothing of hours", Outcome: control.OutcomeNothing},
			{Name: "hours", Says: "group family: hours Mon-Fri 08:00-20:00", Outcome: control.OutcomeYes},
		},
	}
	if at.Hour() >= 20 {
		e.Allowed, e.Cause, e.Rule, e.ClockTrusted = false, "forbidden", "outside the hours Mon-Fri 08:00-20:00", false
		e.Rules[2].Outcome = control.OutcomeNo
	}
	return e, nil
}
func (d *door) Calls(_ context.Context, q control.CallQuery) ([]control.Record, error) {
	all := []control.Record{
		{ID: "3", RoomID: "kR3v9", GroupID: "kR3v9", Contact: "Anna", Phone: "jkt-a", RoomType: "video", Direction: "in", Started: since},
		{ID: "2", RoomID: "b", GroupID: "b", Contact: "Anna", Phone: "jkt-a", RoomType: "voice", Direction: "out", Started: since.Add(-time.Hour), Answered: since.Add(-time.Hour + 5*time.Second), Ended: since, RingSeconds: 5.25, TalkSeconds: 3661, LimitSeconds: 3600, Cause: "hangup", Origin: "timeLimit",
			Link: &control.TalkLink{SendBitrate: 912_345, ReceiveBitrate: 64_000, SendLoss: 0.012, ReceiveLoss: 0.004, SendLossWorst: 0.2, RTTMilliseconds: 41.2, Freezes: 1, Reconnects: 2, ConcealedSeconds: 0.5, SendCodec: "vp8", LocalCandidate: "relay", RemoteCandidate: "host", CPU: 0.31}},
		{ID: "1", RoomID: "c", GroupID: "c", Contact: `Bert, "the" postman`, Phone: "jkt-b", RoomType: "video", Direction: "in", Started: since.Add(-2 * time.Hour), Cause: "aborted", Detail: "mediaLost"},
	}
	var chosen []control.Record
	for _, r := range all {
		if len(chosen) < q.Limit && (q.Cause == "" || q.Cause == r.Cause || q.Cause == control.Running && r.Cause == "") && (q.Contact == "" || q.Contact == r.Contact) {
			chosen = append(chosen, r)
		}
	}
	return chosen, d.noteJSON("calls", q)
}
func (d *door) DND(context.Context) (control.DND, error) {
	return control.DND{On: true, Until: since.Add(time.Hour)}, nil
}
func (d *door) SetDND(_ context.Context, v control.DND) (control.DND, error) {
	v.Until = v.Until.UTC()
	if d := time.Until(v.Until); !v.Until.IsZero() && d > 0 {
		v.Until = since.Add(d.Round(time.Hour))
	}
	return v, d.noteJSON("dnd", v.On)
}
func (d *door) Devices(context.Context) (control.Devices, error) {
	return control.Devices{Chosen: talking().Devices, Found: []control.FoundDevice{
		{Kind: "camera", Name: "usb-046d_C920", Description: "HD Pro Webcam C920", Driver: "V4L2"},
		{Kind: "microphone", Name: "Loopback,0", Description: "Loopback PCM", Driver: "ALSA"},
		{
			Kind: "microphone", Name: "Device,0", Description: "USB Audio", Driver: "ALSA",
			OtherNames: []string{"usb-Generic_USB_Audio-00,0", "pci-0000:00:14.0-usb-0:2:1.0,0"}, StableName: "pci-0000:00:14.0-usb-0:2:1.0,0",
		},
		{Kind: "display", Name: "HDMI-A-1", Description: "connected, 1920x1080", Driver: "DRM"},
	}, Detail: "PulseAudio was not asked: no such server"}, nil
}
func (d *door) Volume(context.Context) (control.Volume, error) {
	return control.Volume{Percent: 40}, nil
}
func (d *door) SetVolume(_ context.Context, v control.Volume) (control.Volume, error) {
	return v, d.noteJSON("volume", v)
}
func (d *door) Snapshot(context.Context) ([]byte, error) { return []byte("\xff\xd8picture"), nil }
func (d *door) Clock(context.Context) (control.Clock, error) {
	return control.Clock{Wall: since, Detail: "no time server has answered since the start", BootSeconds: 3725.4, TimeZone: "Europe/Berlin"}, nil
}
func (d *door) ResetClock(ctx context.Context) (control.Clock, error) {
	c, _ := d.Clock(ctx)
	return c, d.noteJSON("reset", true)
}
func (d *door) Issuers(context.Context) (control.Issuers, error) {
	return control.Issuers{Issuers: []control.Issuer{
		{Issuer: "https://maker.example", File: "/etc/callbox/maker.json", Keys: []string{"2026-11", "2026-12"}, Rights: []string{"call"}, Attempts: 3, AttemptsAnHour: 60, TalkedSeconds: 95},
		{Issuer: "https://care.example", File: "/etc/callbox/care.json", Keys: []string{}, Problem: "cannot use /etc/callbox/care.json: not a usable JWK Set", Rights: []string{"call", "auto"}, AttemptsAnHour: 10},
	}, Denied: []control.Denial{{Issuer: "https://maker.example", Subject: "user-17", Since: since}}}, nil
}
func (d *door) Deny(_ context.Context, v control.Denial) (control.Denial, error) {
	err := d.noteJSON("deny", v)
	v.Since = since
	return v, err
}
func (d *door) Allow(_ context.Context, v control.Denial) (control.Denial, error) {
	if v.Key != "" {
		return v, control.ErrNoDenial
	}
	err := d.noteJSON("allow", v)
	v.Since = since
	return v, err
}
func (d *door) Doctor(context.Context) ([]control.Finding, error) {
	return []control.Finding{
		{Name: "camera", State: control.StateProblem, Message: "no camera was found", Remedy: "plug one in, or set hal.camera.name: none"},
		{Name: "speaker", State: control.StateOK, Message: "Loopback,0"},
		{Name: "clock", State: control.StateWarning, Message: "it is not synchronised", Remedy: "systemctl status systemd-timesyncd"},
		{Name: "transport mqtt", State: control.StateOff, Message: "signaling.mqtt.enabled is false"},
	}, nil
}
func (d *door) RelayIn(context.Context, control.RelayIn) error { return control.ErrNotSupported }
func (d *door) RelayOut() (<-chan control.RelayOut, func(), error) {
	return nil, nil, control.ErrNotSupported
}
func (d *door) Reload(context.Context) (control.ReloadResult, error) {
	return control.ReloadResult{Changed: []string{"call.ring_timeout", "policy.default.rights"}, NeedRestart: []string{"control.socket"}}, nil
}
func (d *door) Metrics(context.Context) ([]control.Metric, error) {
	return []control.Metric{{Name: "callbox_calls_total", Help: "Calls.", Counter: true, Samples: []control.Sample{{Value: 7}}}}, nil
}
func (d *door) Selftest(context.Context, control.SelftestRequest) (control.SelftestTerms, func(), error) {
	return control.SelftestTerms{}, nil, control.ErrNoTransport
}
func (d *door) ReportParts(context.Context) (control.ReportParts, error) {
	return control.ReportParts{Config: json.RawMessage(`{"device":{"name":"Front door"}}`)}, nil
}

// script publishes the events of a call that ends by end.
func script(group string, end cause.End) func(*door) {
	return func(d *door) {
		room := control.Room{RoomID: "r1", GroupID: group}
		d.events.PublishIn(control.EventRinging, control.Room{RoomID: "other"}, control.RingingData{Contact: "somebody else"})
		d.events.PublishIn(control.EventRinging, room, control.RingingData{Contact: "Anna", RoomType: "video", IsCaller: true})
		d.events.PublishIn(control.EventStartVoip, room, control.StartData{TimeLimit: 600})
		d.events.PublishIn(control.EventCalling, room, control.TalkData{KeepTime: 1})
		d.events.PublishIn(end.Cause.Event(true), room, control.NewEndData(end, true, false, 65))
		d.events.PublishIn(control.EventEndVoip, room, control.EndVoipData{KeepTime: 65, CallerName: "Front door", ListenerName: "Anna", RoomType: "video", IsCaller: true, BusinessType: control.DeviceToPhone})
		d.events.PublishIn(control.EventFinishVoip, room, control.TalkData{KeepTime: 65})
	}
}

func startDoor(t *testing.T) (*door, string) {
	t.Helper()
	d := &door{events: control.NewEvents(func() time.Time { return since })}
	socket := filepath.Join(t.TempDir(), "control.sock")
	server, err := control.Listen(control.Options{Path: socket}, d, d.events, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.events.Close(); server.Close() })
	return d, socket
}
