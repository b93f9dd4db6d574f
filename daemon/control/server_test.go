package control_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/signaling/cause"
	"callbox/signaling/key"
)

func TestEveryRequestReachesTheBackend(t *testing.T) {
	b := &backend{status: control.Status{Name: "Front door", State: "idle"}}
	c, _, _ := serve(t, b)
	ctx := t.Context()
	if status, err := c.Status(ctx); err != nil || status.Name != "Front door" {
		t.Errorf("Status = %+v, %v", status, err)
	}
	if v, err := c.Version(ctx); err != nil || v.Version != "1.2.3" {
		t.Errorf("Version = %+v, %v", v, err)
	}
	at := time.Date(2026, 11, 24, 18, 0, 0, 0, time.UTC)
	far := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
	only := func(_ any, err error) error { return err }
	for _, tt := range []struct {
		do   func() error
		want string
	}{
		{func() error {
			started, err := c.Call(ctx, control.CallRequest{To: []string{"Anna", "group:family"}, TimeLimit: 90})
			if started != (control.CallStarted{RoomID: "r1", GroupID: "g1"}) {
				t.Errorf("Call = %+v", started)
			}
			return err
		}, `call {"to":["Anna","group:family"],"roomType":"video","timeLimit":90}`},
		{func() error { return c.Answer(ctx, "room-1") }, "answer room-1"},
		{func() error { return c.Reject(ctx, "") }, "reject "},
		{func() error { return c.HangUp(ctx, "") }, "hangup "},
		{func() error { return c.SetMicrophone(ctx, false) }, "microphone false"},
		{func() error { return c.SetCamera(ctx, true) }, "camera true"},
		{func() error {
			shown, err := c.SwitchCamera(ctx, "")
			if shown != (control.CameraChoice{Camera: "Yard", Missing: "not there"}) {
				t.Errorf("SwitchCamera = %q", shown)
			}
			return err
		}, `switch ""`},
		{func() error {
			r, err := c.SendData(ctx, json.RawMessage(`{ "light": 1 }`))
			if r.ID == "" || r.Error != "noHandler" {
				t.Errorf("SendData = %+v", r)
			}
			return err
		}, `data {"light":1}`},
		{func() error { return c.AnswerData(ctx, control.DataAnswer{ID: "d1", Error: "forbidden"}) }, "answerData d1 forbidden"},
		{func() error { return only(c.OpenPairing(ctx, control.PairRequest{Name: "Anna", Seconds: 60})) }, `pair {"name":"Anna","seconds":60}`},
		{func() error { return c.ClosePairing(ctx) }, "unpair"},
		{func() error { list, err := c.Contacts(ctx); return errors.Join(err, empty(list != nil)) }, "contacts"},
		{func() error {
			return only(c.AddContact(ctx, control.NewContact{Name: "Bert", JWK: key.JWK{Kty: "EC", Crv: "P-256", X: "x", Y: "y"}}))
		}, `add {"name":"Bert","jwk":{"kty":"EC","crv":"P-256","x":"x","y":"y"}}`},
		{func() error {
			return only(c.ChangeContact(ctx, "Anna / Bert", control.ContactChange{
				Name: control.Value("Anna"), Rights: control.Null[[]string](), MaxSeconds: control.Value(0.0),
			}))
		}, `change Anna / Bert {"name":"Anna","rights":null,"maxSeconds":0}`},
		{func() error {
			return only(c.ReplaceContact(ctx, "Anna / Bert", control.NewKey{JWK: key.JWK{Kty: "EC", Crv: "P-256", X: "x", Y: "y"}}))
		}, `replace Anna / Bert {"jwk":{"kty":"EC","crv":"P-256","x":"x","y":"y"}}`},
		{func() error { return only(c.OpenPairing(ctx, control.PairRequest{Replaces: "Anna"})) }, `pair {"replaces":"Anna"}`},
		{func() error { return only(c.Revoke(ctx, "Anna / Bert")) }, "revoke Anna / Bert"},
		{func() error { return only(c.Forget(ctx, "Anna?forget=false")) }, "forget Anna?forget=false"},
		{func() error {
			return only(c.ExplainPolicy(ctx, control.PolicyQuery{Contact: "Anna", At: at, Direction: control.Out}))
		}, `explain {"Contact":"Anna","At":"2026-11-24T18:00:00Z","Direction":"out","RoomType":"video"}`},
		{func() error {
			list, err := c.Calls(ctx, control.CallQuery{Since: at, Contact: "Ännä & Co", Cause: cause.Busy, Limit: 5, After: "x"})
			return errors.Join(err, empty(list != nil))
		}, `calls {"Since":"2026-11-24T18:00:00Z","Until":"0001-01-01T00:00:00Z","Contact":"Ännä \u0026 Co","Cause":"busy","Limit":5,"After":"x"}`},
		{func() error { return only(c.DND(ctx)) }, "dnd"},
		{func() error { return only(c.SetDND(ctx, control.DND{On: true, Until: far})) }, `setDND {"on":true,"until":"2099-01-01T00:00:00Z"}`},
		{func() error { return only(c.Devices(ctx)) }, "devices"},
		{func() error { return only(c.Volume(ctx)) }, "volume"},
		{func() error { return only(c.SetVolume(ctx, 0)) }, "setVolume 0"},
		{func() error {
			jpeg, err := c.Snapshot(ctx)
			return errors.Join(err, empty(string(jpeg) == "\xff\xd8picture"))
		}, "snapshot"},
		{func() error { return only(c.Clock(ctx)) }, "clock"},
		{func() error { return only(c.ResetClock(ctx)) }, "resetClock"},
		{func() error {
			i, err := c.Issuers(ctx)
			return errors.Join(err, empty(i.Issuers != nil && i.Denied != nil))
		}, "issuers"},
		{func() error {
			return only(c.Deny(ctx, control.Denial{Issuer: "https://maker.example", Subject: "u1", Since: at}))
		}, `deny {"issuer":"https://maker.example","subject":"u1"}`},
		{func() error { return only(c.Allow(ctx, control.Denial{Issuer: "https://maker.example", Key: "k1"})) }, `allow {"issuer":"https://maker.example","key":"k1"}`},
		{func() error { list, err := c.Doctor(ctx); return errors.Join(err, empty(list != nil)) }, "doctor"},
		{func() error { return only(c.Reload(ctx)) }, "reload"},
		{func() error {
			text, err := c.Metrics(ctx)
			return errors.Join(err, empty(strings.Contains(string(text), "\ncallbox_calls_total 7\n")))
		}, "metrics"},
	} {
		asked := len(b.all())
		if err := tt.do(); err != nil {
			t.Errorf("%s: %v", tt.want, err)
		}
		if got := strings.Join(b.all()[asked:], ", "); got != tt.want {
			t.Errorf("the backend was asked\n%s, want\n%s", got, tt.want)
		}
	}
}

func empty(ok bool) error {
	if ok {
		return nil
	}
	return errors.New("the answer is empty, or null where a list belongs")
}

func TestErrorsKeepTheirCode(t *testing.T) {
	b := &backend{err: control.ErrNoCall}
	c, _, _ := serve(t, b)
	if err := c.HangUp(t.Context(), ""); !errors.Is(err, control.ErrNoCall) {
		t.Errorf("HangUp without a call = %v", err)
	}
	b.failWith(errors.New("disk on fire"))
	if err := c.HangUp(t.Context(), ""); !errors.Is(err, control.ErrInternal) || !strings.Contains(err.Error(), "disk on fire") {
		t.Errorf("HangUp with a broken daemon = %v", err)
	}
	problems := []control.Problem{{Source: "/etc/callbox/callbox.yaml", Line: 3, Column: 5, Key: "call.answer", Text: "there is no such word"}}
	b.failWith(control.ErrBadConfig.WithProblems(problems))
	var e *control.Error
	if _, err := c.Reload(t.Context()); !errors.As(err, &e) || len(e.Problems) != 1 || e.Problems[0] != problems[0] {
		t.Errorf("Reload of a bad configuration = %+v", err)
	}
}

func TestUnreachable(t *testing.T) {
	c := client.New(filepath.Join(t.TempDir(), "nobody.sock"))
	if _, err := c.Status(t.Context()); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("Status without a daemon = %v", err)
	}
}

// TestAllCalls: without a limit the client reads page after page.
func TestAllCalls(t *testing.T) {
	b := &pages{backend: &backend{}}
	c, _ := servePages(t, b)
	list, err := c.Calls(t.Context(), control.CallQuery{})
	if err != nil || len(list) != 2500 || list[2499].ID != "2499" {
		t.Errorf("Calls = %d records, %v", len(list), err)
	}
}

func TestErrorsHaveAStatus(t *testing.T) {
	for _, r := range control.Routes() {
		for _, e := range append(r.Errors(), control.CommonErrors...) {
			if control.Statuses[e.Code] == 0 {
				t.Errorf("%s has no status", e.Code)
			}
		}
		if r.Access() == "none" || r.Summary() == "" {
			t.Errorf("%s %s lacks its access or its summary", r.Method(), r.Path())
		}
	}
}
