package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// door is a daemon in the middle of a call.
type door struct{ asked []string }

func (d *door) note(what string) error { d.asked = append(d.asked, what); return nil }

var since = time.Date(2026, 11, 24, 18, 30, 5, 0, time.UTC)

func (d *door) Status(context.Context) (control.Status, error) {
	return control.Status{
		Name: "Front door", SN: "door-1", Address: "d.door-1", Version: "0.1.0", UptimeSeconds: 3725, State: "talking",
		Call: &control.Call{
			RoomID: "kR3v9", GroupID: "kR3v9", Contact: "Anna", RoomType: "video", State: "talking",
			Since: since, TalkSeconds: 65, LimitSeconds: 600, RemainingSeconds: 535,
		},
		Devices: []control.Device{
			{Kind: "camera", Name: "test pattern", Wanted: "auto", Virtual: true, Reason: "no camera was found"},
			{Kind: "microphone", Name: "Loopback,0", Wanted: "auto"},
			{Kind: "display", Wanted: "none"},
		},
		Transports: []control.Transport{{Name: "direct", Up: true, Phones: 1, URLs: []string{"https://192.168.1.9:8443/"}, Detail: "self-made certificate"}},
		Contacts:   2,
		Pairing:    &control.PairWindow{Expires: since.Add(5 * time.Minute)},
		Refused:    map[string]uint64{"busy": 2, "signature": 1, "stale": 0},
	}, nil
}
func (d *door) Answer(_ context.Context, room string) error { return d.note("answer " + room) }
func (d *door) Reject(context.Context, string) error        { return control.ErrNotRinging }
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
func (d *door) OpenPairing(_ context.Context, r control.PairRequest) (control.PairWindow, error) {
	return control.PairWindow{URL: "https://192.168.1.9:8443/#pair=eyJ", Expires: since.Add(time.Duration(r.Seconds) * time.Second), Rights: r.Rights}, nil
}
func (d *door) ClosePairing(context.Context) error { return d.note("close") }
func (d *door) Contacts(context.Context) ([]control.Contact, error) {
	return []control.Contact{
		{Name: "Anna", Thumbprint: strings.Repeat("a", 43), Rights: []string{"call", "unlock"}, Added: since},
		{Name: "Bert's old phone", Thumbprint: strings.Repeat("b", 43), Rights: []string{"call"}, Added: since, Revoked: true},
	}, nil
}
func (d *door) Revoke(_ context.Context, who string) (control.Contact, error) {
	if who != "Anna" {
		return control.Contact{}, control.ErrNoContact.With("no contact is called " + who)
	}
	return control.Contact{Name: who, Revoked: true}, nil
}
func (d *door) Calls(_ context.Context, limit int) ([]control.Record, error) {
	all := []control.Record{
		{RoomID: "kR3v9", Contact: "Anna", RoomType: "video", Started: since},
		{RoomID: "b", Contact: "Anna", RoomType: "voice", Started: since.Add(-time.Hour), TalkSeconds: 3661, Cause: "hangup", Origin: "timeLimit"},
		{RoomID: "c", Contact: "Bert", RoomType: "video", Started: since.Add(-2 * time.Hour), Cause: "aborted", Detail: "mediaLost"},
	}
	return all[:min(limit, len(all))], nil
}
func (d *door) Version() control.Version {
	return control.Version{Version: "0.1.0", Go: "go1.26", Protocol: 1, Platform: "linux/arm64"}
}

func startDoor(t *testing.T) (*door, string) {
	t.Helper()
	d := &door{}
	socket := filepath.Join(t.TempDir(), "control.sock")
	events := control.NewEvents(func() time.Time { return since })
	server, err := control.Listen(socket, d, events, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close(); server.Close() })
	return d, socket
}

// TestOutput compares what people and programs see with testdata; -update
// rewrites it.
func TestOutput(t *testing.T) {
	t.Setenv("TZ", "UTC")
	time.Local = time.UTC
	bad := filepath.Join("testdata", "bad.yaml")
	for name, tt := range map[string]struct {
		args []string
		code int
	}{
		"help":            {[]string{"--help"}, exitOK},
		"help-pair":       {[]string{"pair", "--help"}, exitOK},
		"status":          {[]string{"status"}, exitOK},
		"status-devices":  {[]string{"status", "--devices"}, exitOK},
		"status-json":     {[]string{"status", "--json"}, exitOK},
		"answer":          {[]string{"answer"}, exitOK},
		"answer-json":     {[]string{"answer", "--json"}, exitOK},
		"reject-talking":  {[]string{"reject"}, exitNoSuch},
		"hangup":          {[]string{"hangup"}, exitOK},
		"hangup-gone":     {[]string{"hangup", "old-room"}, exitNoSuch},
		"hangup-two":      {[]string{"hangup", "a", "b"}, exitUsage},
		"mute":            {[]string{"mute", "on"}, exitOK},
		"mute-maybe":      {[]string{"mute", "maybe"}, exitUsage},
		"camera":          {[]string{"camera", "off"}, exitOK},
		"pair":            {[]string{"pair"}, exitOK},
		"pair-json":       {[]string{"pair", "--json", "--for", "1m"}, exitOK},
		"contacts":        {[]string{"contacts"}, exitOK},
		"contacts-json":   {[]string{"contacts", "--json"}, exitOK},
		"revoke":          {[]string{"contacts", "revoke", "Anna"}, exitOK},
		"revoke-unknown":  {[]string{"contacts", "revoke", "Zoe"}, exitNoSuch},
		"revoke-json":     {[]string{"contacts", "revoke", "Zoe", "--json"}, exitNoSuch},
		"calls":           {[]string{"calls"}, exitOK},
		"calls-json":      {[]string{"calls", "--json", "--limit", "1"}, exitOK},
		"calls-none":      {[]string{"calls", "--limit", "0"}, exitUsage},
		"check-bad":       {[]string{"check", bad}, exitConfig},
		"check-bad-json":  {[]string{"check", bad, "--json"}, exitConfig},
		"unknown-verb":    {[]string{"anwser"}, exitUsage},
		"unknown-flag":    {[]string{"status", "--jason"}, exitUsage},
		"status-argument": {[]string{"status", "now"}, exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			_, socket := startDoor(t)
			t.Setenv("CALLBOX_CONTROL_SOCKET", "")
			var out, errs bytes.Buffer
			code := run(t.Context(), append(tt.args, "--socket", socket), &out, &errs)
			if code != tt.code {
				t.Errorf("exit code = %d, want %d\n%s%s", code, tt.code, &out, &errs)
			}
			got := out.String()
			if errs.Len() > 0 {
				got += "--- stderr\n" + errs.String()
			}
			golden(t, name, strings.ReplaceAll(got, socket, "SOCKET"))
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("output differs from %s; -update rewrites it\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestVerbsReachTheDaemon(t *testing.T) {
	d, socket := startDoor(t)
	for _, args := range [][]string{{"answer", "room-1"}, {"hangup"}, {"mute", "on"}, {"mute", "off"}, {"camera", "off"}, {"pair", "--close"}} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), append(args, "--socket", socket), &out, &errs); code != exitOK {
			t.Errorf("%v = %d: %s", args, code, &errs)
		}
	}
	want := "answer room-1,hangup,microphone off,microphone on,camera off,close"
	if got := strings.Join(d.asked, ","); got != want {
		t.Errorf("asked = %s, want %s", got, want)
	}
}

func TestUnreachable(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "none.sock")
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"status", "--socket", socket}, &out, &errs); code != exitUnreachable {
		t.Errorf("exit code = %d", code)
	}
	if text := errs.String(); !strings.Contains(text, socket) || !strings.Contains(text, "systemctl status callbox") {
		t.Errorf("the error does not help:\n%s", text)
	}
	out.Reset()
	if code := run(t.Context(), []string{"version", "--json", "--socket", socket}, &out, &errs); code != exitOK {
		t.Errorf("version without a daemon = %d", code)
	}
	var versions struct {
		Daemon *control.Version `json:"callboxd"`
	}
	if err := json.Unmarshal(out.Bytes(), &versions); err != nil || versions.Daemon != nil {
		t.Errorf("version without a daemon: %v\n%s", err, &out)
	}
}
