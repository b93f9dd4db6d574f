package daemon

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/daemon/store"
	"callbox/hal"
	"callbox/signaling/cause"
	"callbox/signaling/signalingtest"
)

// The tests of this file ask a whole daemon over its real socket.

func TestReload(t *testing.T) {
	h := newHouse(t)
	next := *h.cfg
	h.reload = func() (*config.Config, error) { c := next; return &c, nil }
	h.restart()

	if r, err := h.api.Reload(t.Context()); err != nil || len(r.Changed)+len(r.NeedRestart) != 0 {
		t.Errorf("nothing has changed: %+v, %v", r, err)
	}
	next.Call.RingTimeout = 5 * time.Second
	next.Policy.Default = config.Rule{Camera: new(bool)}
	next.HAL.Microphone.Tone = 700
	r, err := h.api.Reload(t.Context())
	if err != nil || !slices.Equal(r.Changed, []string{"call.ring_timeout", "policy.default.camera"}) || !slices.Equal(r.NeedRestart, []string{"hal.microphone.tone"}) {
		t.Errorf("reload = %+v, %v", r, err)
	}
	if e := h.explain("Anna", control.PolicyQuery{}); e.Camera {
		t.Error("the new rule does not count")
	}
	// What needs a restart is told again as long as it does.
	if r, err := h.api.Reload(t.Context()); err != nil || len(r.Changed) != 0 || len(r.NeedRestart) != 1 {
		t.Errorf("reload again = %+v, %v", r, err)
	}

	bad := config.Problems{{Source: "c.yaml", Line: 3, Column: 5, Key: "call.rng_timeout", Text: "unknown key"}}
	h.reload = nil
	h.restart()
	h.leave()
	h.stop()
	h.reload = func() (*config.Config, error) { return nil, bad }
	h.start()
	var told *control.Error
	if _, err := h.api.Reload(t.Context()); !errors.As(err, &told) || !errors.Is(err, control.ErrBadConfig) || len(told.Problems) != 1 || told.Problems[0].Line != 3 {
		t.Errorf("a bad file: %v", err)
	}
	if h.status().State != "idle" {
		t.Error("a bad file stopped the daemon")
	}
}

// TestReloadOnABrokenDisk: what the file says counts as a whole, although the old records
// cannot be deleted yet.
func TestReloadOnABrokenDisk(t *testing.T) {
	h := newHouse(t)
	next := *h.cfg
	h.reload = func() (*config.Config, error) { c := next; return &c, nil }
	h.restart()
	for range 3 {
		r := store.Record{RoomID: "old", Cause: cause.Hangup}
		var err error
		if r.ID, err = h.d.store.Begin(r); err == nil {
			err = h.d.store.End(r)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(h.cfg.Device.StateDir, "calls.db") // what cannot be written over
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	next.Records.Keep, next.Call.RingTimeout = 1, 5*time.Second
	if r, err := h.api.Reload(t.Context()); err != nil || !slices.Equal(r.Changed, []string{"call.ring_timeout", "records.keep"}) {
		t.Errorf("reload = %+v, %v", r, err)
	}
	if got := h.d.store.Records(store.Query{}); len(got) != 1 {
		t.Errorf("there are %d records, want 1", len(got))
	}
	if p := h.d.store.Problems(); len(p) == 0 || !strings.Contains(p[len(p)-1].Text, "cannot write the call records") {
		t.Errorf("the disk's failure is not told: %+v", p)
	}
	if err := os.RemoveAll(path); err != nil { // the end writes, too
		t.Fatal(err)
	}
}

func TestReloadBySignal(t *testing.T) {
	h := newHouse(t)
	read := make(chan struct{}, 8)
	h.reload = func() (*config.Config, error) { read <- struct{}{}; return h.cfg, nil }
	h.restart()
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	select {
	case <-read:
	case <-time.After(patience):
		t.Fatal("SIGHUP read nothing")
	}
}

func (h *house) explain(contact string, q control.PolicyQuery) control.PolicyExplanation {
	h.t.Helper()
	q.Contact = contact
	e, err := h.api.ExplainPolicy(h.t.Context(), q)
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

func TestContactsAreChanged(t *testing.T) {
	h := newHouse(t)
	h.cfg.Policy.Groups = []config.Group{{Name: "family", Rule: config.Rule{Rights: []policy.Right{policy.RightCall, policy.RightUnlock}}}}
	h.restart()
	c, err := h.api.ChangeContact(t.Context(), "Anna", control.ContactChange{
		Rights: control.Null[[]string](), Groups: control.Value([]string{"family"}), DaySeconds: control.Value(90.0), ThroughDND: control.Value(true),
	})
	if err != nil || c.Rights != nil || !slices.Equal(c.EffectiveRights, []string{"call", "unlock"}) {
		t.Errorf("contact = %+v, %v", c, err)
	}
	e := h.explain("Anna", control.PolicyQuery{})
	if !e.Allowed || !e.Unlock || e.DayLeftSeconds == nil || *e.DayLeftSeconds != 90 || e.LimitSeconds != 90 {
		t.Errorf("explained: %+v", e)
	}
	if e := h.explain("Anna", control.PolicyQuery{Direction: control.Out}); e.Allowed || !strings.Contains(e.Rule, "beCalled") {
		t.Errorf("a call of the device: %+v", e)
	}
	for name, change := range map[string]control.ContactChange{
		"no such right":          {Rights: control.Value([]string{"fly"})},
		"hours that are no time": {Hours: control.Value([]string{"25:00-26:00"})},
		"a negative limit":       {MaxSeconds: control.Value(-1.0)},
		"no name":                {Name: control.Value("")},
	} {
		if _, err := h.api.ChangeContact(t.Context(), "Anna", change); !errors.Is(err, control.ErrBadRequest) && !errors.Is(err, control.ErrExists) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.api.ChangeContact(t.Context(), "Nobody", control.ContactChange{Name: control.Value("x")}); !errors.Is(err, control.ErrNoContact) {
		t.Errorf("nobody: %v", err)
	}
	bert := h.stranger()
	added, err := h.api.AddContact(t.Context(), control.NewContact{Name: "Bert", JWK: bert.Key.Public().JWK(), Rights: []string{"call"}})
	if err != nil || added.Thumbprint != bert.JKT() {
		t.Fatalf("added %+v, %v", added, err)
	}
	bert.contact = true
	bert.rings()
	if _, err := h.api.Forget(t.Context(), "Bert"); err != nil {
		t.Fatal(err)
	}
	h.eventually("the forgotten phone's call is over", func() bool { return h.status().State == "idle" })
	if list, err := h.api.Contacts(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("contacts = %+v, %v", list, err)
	}
}

// TestWhatSurvivesARestart: the volume, do-not-disturb and the records.
func TestWhatSurvivesARestart(t *testing.T) {
	h := newHouse(t)
	if _, err := h.api.SetVolume(t.Context(), 35); err != nil {
		t.Fatal(err)
	}
	until := time.Now().Add(time.Hour).Round(time.Second)
	if _, err := h.api.SetDND(t.Context(), control.DND{On: true, Until: until}); err != nil {
		t.Fatal(err)
	}
	h.anna.reconnect()
	invite, nonce := h.anna.challenged()
	h.anna.say(h.anna.Offer(theRoom, nonce, invite, signalingtest.SDP{}.String()))
	h.anna.expect("reject dnd")
	h.restart()
	if v, err := h.api.Volume(t.Context()); err != nil || v.Percent != 35 {
		t.Errorf("volume = %+v, %v", v, err)
	}
	if d, err := h.api.DND(t.Context()); err != nil || !d.On || !d.Until.Equal(until) {
		t.Errorf("do-not-disturb = %+v, %v", d, err)
	}
	records, err := h.api.Calls(t.Context(), control.CallQuery{Limit: 10})
	if err != nil || len(records) != 1 || records[0].Cause != cause.DND || records[0].Contact != "Anna" {
		t.Errorf("records = %+v, %v", records, err)
	}
}

// TestPeopleInRecordsAndReports: names stand only where the configuration wants them.
func TestPeopleInRecordsAndReports(t *testing.T) {
	for _, tt := range []struct {
		records, report config.People
		inRecord        bool
		inReport        bool
	}{
		{config.PeopleFull, config.PeopleFull, true, true},
		{config.PeopleFull, config.PeopleThumbprint, true, false},
		{config.PeopleFull, config.PeopleNone, true, false},
		{config.PeopleNone, config.PeopleThumbprint, false, false},
	} {
		t.Run(string(tt.records)+" and "+string(tt.report), func(t *testing.T) {
			h := newHouse(t)
			h.cfg.Records.People, h.cfg.Records.PeopleInBugreport = tt.records, tt.report
			h.cfg.HAL.Buttons = []hal.ButtonOptions{{Name: "door", Key: "KEY_F24", Action: hal.ActionCall, Call: "Anna"}}
			h.restart()
			h.anna.reconnect()
			h.anna.rings()
			if err := h.api.Reject(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			if _, err := h.api.ChangeContact(t.Context(), "Anna", control.ContactChange{Rights: control.Value([]string{"call", "beCalled"})}); err != nil {
				t.Fatal(err)
			}
			if _, err := h.api.Call(t.Context(), control.CallRequest{To: []string{"Anna"}}); err != nil {
				t.Fatal(err)
			}
			h.eventually("the call of the device is over", func() bool {
				_ = h.api.HangUp(t.Context(), "") // until it is
				return h.status().State == "idle"
			})
			records, err := h.api.Calls(t.Context(), control.CallQuery{Limit: 1})
			if err != nil || len(records) != 1 || (records[0].Contact == "Anna") != tt.inRecord {
				t.Errorf("records = %+v, %v", records, err)
			}
			stored, err := os.ReadFile(filepath.Join(h.cfg.Device.StateDir, "calls.db"))
			if err != nil || bytes.Contains(stored, []byte("Anna")) != tt.inRecord {
				t.Errorf("the store holds the name: %v, want %v (%v)", !tt.inRecord, tt.inRecord, err)
			}
			report, err := h.api.BugReport(t.Context())
			if err != nil || bytes.Contains(report, []byte("Anna")) != tt.inReport {
				t.Errorf("the report holds the name: %v, want %v (%v)", !tt.inReport, tt.inReport, err)
			}
			inRecord, inReport := tt.records != config.PeopleNone, tt.report != config.PeopleNone
			if bytes.Contains(report, []byte(h.anna.JKT())) != (inRecord && inReport) {
				t.Errorf("whether the report holds the thumbprint is not %v", inRecord && inReport)
			}
			if !json.Valid(report) {
				t.Error("the report is no JSON")
			}
		})
	}
}

func TestSnapshotAndDoctor(t *testing.T) {
	h := newHouse(t)
	raw, err := h.api.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	picture, err := jpeg.DecodeConfig(bytes.NewReader(raw))
	if err != nil || picture.Width != 1280 || picture.Height != 720 {
		t.Errorf("the picture is %+v, %v", picture, err)
	}
	findings, err := h.api.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for _, f := range findings {
		states[f.Name] = f.State
		if f.Message == "" || (f.State == control.StateProblem && f.Remedy == "") {
			t.Errorf("finding without a message or a remedy: %+v", f)
		}
	}
	for name, want := range map[string]string{"camera": control.StateWarning, "display": control.StateOff, "contacts": control.StateOK, "disk": control.StateOK, "records": control.StateOK} {
		if states[name] != want {
			t.Errorf("%s is %q, want %q; all: %v", name, states[name], want, states)
		}
	}
	metrics, err := h.api.Metrics(t.Context())
	if err != nil || !bytes.Contains(metrics, []byte("callbox_contacts 1\n")) || !bytes.Contains(metrics, []byte("callbox_goroutines ")) {
		t.Errorf("metrics: %v\n%s", err, metrics)
	}
}

// TestADeviceThatHasNothing: no camera, no sound: each is normal.
func TestADeviceThatHasNothing(t *testing.T) {
	h := newHouse(t)
	h.cfg.HAL.Camera.Name, h.cfg.HAL.Microphone.Name, h.cfg.HAL.Speaker.Name = hal.NameNone, hal.NameNone, hal.NameNone
	h.restart()
	if _, err := h.api.Snapshot(t.Context()); !errors.Is(err, control.ErrNoDevice) {
		t.Errorf("snapshot: %v", err)
	}
	if _, err := h.api.Volume(t.Context()); !errors.Is(err, control.ErrNoDevice) {
		t.Errorf("volume: %v", err)
	}
	h.anna.reconnect()
	h.anna.rings()
	if err := h.api.Answer(t.Context(), ""); err != nil {
		t.Error(err)
	}
}

// TestADamagedRecordStoreStopsNoCall: it is moved aside, told, and calls go on.
func TestADamagedRecordStoreStopsNoCall(t *testing.T) {
	h := newHouse(t)
	h.leave()
	h.stop()
	file := filepath.Join(h.cfg.Device.StateDir, "calls.db")
	if err := os.WriteFile(file, bytes.Repeat([]byte("damage "), 4096), 0o600); err != nil {
		t.Fatal(err)
	}
	h.start()
	h.anna.reconnect()
	h.anna.rings()
	if err := h.api.Reject(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	findings, err := h.api.Doctor(t.Context())
	told := slices.ContainsFunc(findings, func(f control.Finding) bool { return f.Name == "records" && f.State == control.StateProblem })
	if err != nil || !told {
		t.Errorf("doctor says nothing of it: %+v, %v", findings, err)
	}
	aside, err := filepath.Glob(file + ".damaged-*")
	if err != nil || len(aside) != 1 {
		t.Errorf("moved aside: %v, %v", aside, err)
	}
	if records, err := h.api.Calls(t.Context(), control.CallQuery{Limit: 10}); err != nil || len(records) != 1 {
		t.Errorf("records = %+v, %v", records, err)
	}
}

// TestButtonOfADevice: the buttons of the configuration are listened to and shown.
func TestButtonOfADevice(t *testing.T) {
	h := newHouse(t)
	h.cfg.HAL.Buttons = []hal.ButtonOptions{{Name: "door", Key: "KEY_F24", Input: "no such device", Action: hal.ActionAnswer}}
	h.restart()
	devices, err := h.api.Devices(t.Context())
	i := slices.IndexFunc(devices.Chosen, func(d control.Device) bool { return d.Kind == "button" })
	if err != nil || i < 0 || devices.Chosen[i].Name != "" || devices.Chosen[i].Reason == "" ||
		devices.Chosen[i].Button != "door" || devices.Chosen[i].State != "missing" {
		t.Errorf("devices = %+v, %v", devices.Chosen, err)
	}
	for _, d := range devices.Chosen[:i] {
		if d.Button != "" || d.State != "" {
			t.Errorf("no button, and shown as one: %+v", d)
		}
	}
}
