package control_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// backend remembers what it was asked for, and answers with err when there is one.
type backend struct {
	events *control.Events // for Status; nil: none

	mu     sync.Mutex
	asked  []string
	err    error
	wait   chan struct{} // Call waits for it, when there is one
	filled bool          // answers have every member
	status control.Status
	parts  control.ReportParts
}

var _ control.Backend = (*backend)(nil)

func (b *backend) note(format string, args ...any) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, fmt.Sprintf(format, args...))
	return b.err
}

func (b *backend) all() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.asked...)
}

func (b *backend) failWith(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// answer returns v, or with every member set.
func answer[T any](b *backend, v T, err error) (T, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.filled {
		v = full[T]()
	}
	return v, err
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

func (b *backend) Status(context.Context) (control.Status, error) {
	b.mu.Lock()
	s, err := b.status, b.err
	b.mu.Unlock()
	if b.events != nil {
		s.Seq = b.events.Seq()
	}
	return answer(b, s, err)
}
func (b *backend) Version() control.Version {
	return control.Version{Version: "1.2.3", Go: "go1.26", Protocol: 1, Platform: "linux/arm64"}
}
func (b *backend) Call(_ context.Context, r control.CallRequest) (control.CallStarted, error) {
	if b.wait != nil {
		<-b.wait
	}
	return answer(b, control.CallStarted{RoomID: "r1", GroupID: "g1"}, b.note("call %s", text(r)))
}
func (b *backend) Answer(_ context.Context, id string) error { return b.note("answer %s", id) }
func (b *backend) Reject(_ context.Context, id string) error { return b.note("reject %s", id) }
func (b *backend) HangUp(_ context.Context, id string) error { return b.note("hangup %s", id) }
func (b *backend) SetMicrophone(_ context.Context, on bool) error {
	return b.note("microphone %v", on)
}
func (b *backend) SetCamera(_ context.Context, on bool) error { return b.note("camera %v", on) }
func (b *backend) SwitchCamera(_ context.Context, camera string) (control.CameraChoice, error) {
	return answer(b, control.CameraChoice{Camera: "Yard", Missing: "not there"}, b.note("switch %q", camera))
}
func (b *backend) SendData(_ context.Context, r control.DataRequest) (control.DataResult, error) {
	return answer(b, control.DataResult{ID: r.ID, Error: "noHandler"}, b.note("data %s", r.Payload))
}
func (b *backend) AnswerData(_ context.Context, a control.DataAnswer) error {
	return b.note("answerData %s %s", a.ID, a.Error)
}
func (b *backend) Calls(_ context.Context, q control.CallQuery) ([]control.Record, error) {
	return answer[[]control.Record](b, nil, b.note("calls %s", text(q)))
}
func (b *backend) DND(context.Context) (control.DND, error) {
	return answer(b, control.DND{On: true}, b.note("dnd"))
}
func (b *backend) SetDND(_ context.Context, d control.DND) (control.DND, error) {
	return answer(b, d, b.note("setDND %s", text(d)))
}
func (b *backend) OpenPairing(_ context.Context, r control.PairRequest) (control.PairWindow, error) {
	return answer(b, control.PairWindow{URL: "https://door/#pair=x"}, b.note("pair %s", text(r)))
}
func (b *backend) ClosePairing(context.Context) error { return b.note("unpair") }
func (b *backend) Contacts(context.Context) ([]control.Contact, error) {
	return answer[[]control.Contact](b, nil, b.note("contacts"))
}
func (b *backend) AddContact(_ context.Context, c control.NewContact) (control.Contact, error) {
	return answer(b, control.Contact{Name: c.Name}, b.note("add %s", text(c)))
}
func (b *backend) ReplaceContact(_ context.Context, who string, k control.NewKey) (control.Contact, error) {
	return answer(b, control.Contact{Name: who}, b.note("replace %s %s", who, text(k)))
}
func (b *backend) ChangeContact(_ context.Context, who string, c control.ContactChange) (control.Contact, error) {
	return answer(b, control.Contact{Name: who}, b.note("change %s %s", who, text(c)))
}
func (b *backend) Revoke(_ context.Context, who string) (control.Contact, error) {
	return answer(b, control.Contact{Name: who, Revoked: true}, b.note("revoke %s", who))
}
func (b *backend) Forget(_ context.Context, who string) (control.Contact, error) {
	return answer(b, control.Contact{Name: who}, b.note("forget %s", who))
}
func (b *backend) ExplainPolicy(_ context.Context, q control.PolicyQuery) (control.PolicyExplanation, error) {
	return answer(b, control.PolicyExplanation{Contact: q.Contact, Allowed: true}, b.note("explain %s", text(q)))
}
func (b *backend) Issuers(context.Context) (control.Issuers, error) {
	return answer(b, control.Issuers{}, b.note("issuers"))
}
func (b *backend) Deny(_ context.Context, d control.Denial) (control.Denial, error) {
	return answer(b, d, b.note("deny %s", text(d)))
}
func (b *backend) Allow(_ context.Context, d control.Denial) (control.Denial, error) {
	return answer(b, d, b.note("allow %s", text(d)))
}
func (b *backend) ResetClock(context.Context) (control.Clock, error) {
	return answer(b, control.Clock{TimeZone: "Europe/Berlin"}, b.note("resetClock"))
}
func (b *backend) RelayIn(_ context.Context, m control.RelayIn) error {
	return b.note("relay %s", text(m))
}
func (b *backend) RelayOut() (<-chan control.RelayOut, func(), error) {
	if err := b.note("relay out"); err != nil {
		return nil, nil, err
	}
	messages := make(chan control.RelayOut, 1)
	messages <- full[control.RelayOut]()
	return messages, func() { _ = b.note("relay stop") }, nil
}
func (b *backend) Selftest(_ context.Context, r control.SelftestRequest) (control.SelftestTerms, func(), error) {
	if err := b.note("selftest %s", text(r)); err != nil {
		return control.SelftestTerms{}, nil, err
	}
	return full[control.SelftestTerms](), func() { _ = b.note("selftest stop") }, nil
}
func (b *backend) Devices(context.Context) (control.Devices, error) {
	return answer(b, control.Devices{}, b.note("devices"))
}
func (b *backend) Volume(context.Context) (control.Volume, error) {
	return answer(b, control.Volume{Percent: 40}, b.note("volume"))
}
func (b *backend) SetVolume(_ context.Context, v control.Volume) (control.Volume, error) {
	return answer(b, v, b.note("setVolume %d", v.Percent))
}
func (b *backend) Snapshot(context.Context) ([]byte, error) {
	return []byte("\xff\xd8picture"), b.note("snapshot")
}
func (b *backend) Clock(context.Context) (control.Clock, error) {
	return answer(b, control.Clock{Trusted: true, TimeZone: "Europe/Berlin"}, b.note("clock"))
}
func (b *backend) Doctor(context.Context) ([]control.Finding, error) {
	return answer[[]control.Finding](b, nil, b.note("doctor"))
}
func (b *backend) Reload(context.Context) (control.ReloadResult, error) {
	return answer(b, control.ReloadResult{Changed: []string{"device.name"}}, b.note("reload"))
}
func (b *backend) Metrics(context.Context) ([]control.Metric, error) {
	return []control.Metric{{Name: "callbox_calls_total", Help: "Calls.", Counter: true, Samples: []control.Sample{{Value: 7}}}}, b.note("metrics")
}
func (b *backend) ReportParts(context.Context) (control.ReportParts, error) {
	return answer(b, b.parts, b.note("report"))
}

// serve serves b and returns a client, the events and the socket.
func serve(t *testing.T, b *backend) (*client.Client, *control.Events, string) {
	t.Helper()
	return serveLogged(t, b, zerolog.Nop())
}

func serveLogged(t *testing.T, b *backend, log zerolog.Logger) (*client.Client, *control.Events, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "control.sock")
	events := control.NewEvents(time.Now)
	if b.events == nil {
		b.events = events
	}
	server, err := control.Listen(control.Options{Path: socket}, b, events, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		events.Close()
		if err := server.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return client.New(socket), events, socket
}
