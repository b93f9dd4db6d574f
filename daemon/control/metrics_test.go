package control_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"callbox/daemon/control"
	"callbox/signaling/cause"
)

func TestMetricsText(t *testing.T) {
	got := string(control.WriteText([]control.Metric{
		{Name: "callbox_calls_total", Help: "Calls, by \\ cause.\nAll of them.", Counter: true, Samples: []control.Sample{
			{Labels: [][2]string{{"cause", "hangup"}, {"direction", "in"}}, Value: 12},
			{Labels: [][2]string{{"cause", "a \"b\" \\ \n\xff"}}, Value: 0.5},
		}},
		{Name: "callbox_talking", Help: "Whether a call is running.", Samples: []control.Sample{{Value: 1e21}, {Value: math.Inf(1)}, {Value: math.Inf(-1)}, {Value: math.NaN()}}},
		{Name: "callbox_none", Help: "Nothing yet."},
	}))
	want := `# HELP callbox_calls_total Calls, by \\ cause.\nAll of them.
# TYPE callbox_calls_total counter
callbox_calls_total{cause="hangup",direction="in"} 12
callbox_calls_total{cause="a \"b\" \\ \n` + "\uFFFD" + `"} 0.5
# HELP callbox_talking Whether a call is running.
# TYPE callbox_talking gauge
callbox_talking 1e+21
callbox_talking +Inf
callbox_talking -Inf
callbox_talking NaN
# HELP callbox_none Nothing yet.
# TYPE callbox_none gauge
`
	if got != want {
		t.Errorf("metrics =\n%s\nwant\n%s", got, want)
	}
}

func TestProcessMetrics(t *testing.T) {
	c, events, _ := serve(t, &backend{})
	events.Publish("busy", "", nil)
	text, err := c.Metrics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# TYPE callbox_calls_total counter\ncallbox_calls_total 7\n",
		`callbox_build_info{version="1.2.3",go="go1.26",platform="linux/arm64"} 1` + "\n",
		"# TYPE callbox_events_total counter\ncallbox_events_total 1\n",
		"\ncallbox_control_connections 1\n",
		"# TYPE callbox_cpu_seconds_total counter\ncallbox_cpu_seconds_total 0.", // the tests have taken some, but no second yet
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
}

// somebody is a state full of people.
func somebody(people bool) *backend {
	return &backend{
		status: control.Status{
			Call:    &control.Call{Contact: "Anna", Phone: "anna-jkt", Dialing: []string{"Anna"}, Media: json.RawMessage(`{"remoteCandidate":"host udp 192.0.2.7:9"}`)},
			Pairing: &control.PairWindow{Name: "Anna", URL: "https://door/#pair=secret"},
		},
		parts: control.ReportParts{
			People: people, Config: json.RawMessage(`{"device":{"name":"Front door"}}`),
			Records: []control.Record{{ID: "1", Phone: "carl-jkt", Cause: cause.Busy}}, // as the backend wants it
		},
	}
}

func TestBugReport(t *testing.T) {
	for people, want := range map[bool]int{false: 0, true: 4} {
		c, events, _ := serve(t, somebody(people))
		events.Publish(control.EventRinging, "room-1", control.RingingData{Contact: "Anna"})
		events.Publish(control.EventData, "room-1", control.MessageData{ID: "d", Payload: json.RawMessage(`"Anna"`)})
		events.Publish(control.EventAbortVoip, "room-1", control.EndData{Cause: cause.Aborted, Detail: cause.MediaLost})
		raw, err := c.BugReport(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		var r control.BugReport
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		r.Stacks = ""
		names := strings.Count(text, `"Anna"`) + strings.Count(text, `"anna-jkt"`)
		if names != want || strings.Contains(text, "192.0.2.7") != people || strings.Contains(text, "secret") {
			t.Errorf("people %v: %d names in\n%s", people, names, text)
		}
		if len(r.Records) != 1 || r.Records[0].Phone != "carl-jkt" || r.Records[0].Cause != cause.Busy || len(r.Events) != 3 || r.Goroutines == 0 ||
			!strings.Contains(string(r.Config), "Front door") || !strings.Contains(r.Metrics, "callbox_calls_total 7") {
			t.Errorf("the report lacks something:\n%s", text)
		}
		if !strings.Contains(string(r.Events[2].Data), "mediaLost") || r.Events[0].Data != nil || r.Events[1].Data != nil {
			t.Errorf("events = %+v", r.Events)
		}
		if !strings.Contains(text, "goroutine ") || len(r.Problems) > 0 {
			t.Errorf("stacks are missing, or there are problems: %v", r.Problems)
		}
	}
}

// TestBugReportOfABrokenDaemon: what cannot be had does not stop the rest.
func TestBugReportOfABrokenDaemon(t *testing.T) {
	c, _, _ := serve(t, &backend{err: errors.New("disk on fire")})
	raw, err := c.BugReport(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var r control.BugReport
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Problems) != 6 || r.Status != nil || r.Version.Version != "1.2.3" || r.Goroutines == 0 {
		t.Errorf("report = %s", raw)
	}
}

func TestEndData(t *testing.T) {
	for _, tt := range []struct {
		end                cause.End
		isCaller, byDevice bool
		event, want        string
	}{
		{cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit}, false, true, "hangUpVoip", `{"cause":"hangup","origin":"timeLimit","keepTime":7,"status":"endByListener"}`},
		{cause.End{Cause: cause.Hangup, Origin: cause.Manual}, false, false, "hangUpVoip", `{"cause":"hangup","origin":"manual","keepTime":7,"status":"endByCaller"}`},
		{cause.End{Cause: cause.Hangup, Origin: cause.Manual}, true, true, "hangUpVoip", `{"cause":"hangup","origin":"manual","keepTime":7,"status":"endByCaller"}`},
		{cause.End{Cause: cause.Hangup, Origin: cause.Manual}, true, false, "hangUpVoip", `{"cause":"hangup","origin":"manual","keepTime":7,"status":"endByListener"}`},
		{cause.End{Cause: cause.Aborted, Detail: cause.Shutdown}, false, true, "abortVoip", `{"cause":"aborted","detail":"shutdown","keepTime":7,"status":"abortByListener","error":{"errMsg":"the device was shut down"}}`},
		{cause.End{Cause: cause.Aborted, Detail: cause.MediaLost}, false, true, "abortVoip", `{"cause":"aborted","detail":"mediaLost","keepTime":7,"status":"unknown","error":{"errMsg":"picture and sound were lost and did not come back"}}`},
		{cause.End{Cause: cause.Cancelled}, false, false, "cancelVoip", `{"cause":"cancelled","keepTime":7,"status":"other"}`},
		{cause.End{Cause: cause.Rejected}, false, true, "rejectVoip", `{"cause":"rejected","keepTime":7,"status":"manual"}`},
		{cause.End{Cause: cause.Busy}, true, false, "busy", `{"cause":"busy","keepTime":7}`},
		{cause.End{Cause: cause.JoinFailed}, false, true, "joinFailListener", `{"cause":"joinFailed","keepTime":7,"errMsg":"media did not connect","message":"The call was answered, but picture and sound never connected."}`},
		{cause.End{Cause: cause.JoinFailed}, true, true, "joinFailCaller", `{"cause":"joinFailed","keepTime":7,"errMsg":"media did not connect","message":"The call was answered, but picture and sound never connected."}`},
	} {
		got := text(control.NewEndData(tt.end, tt.isCaller, tt.byDevice, 7))
		if event := tt.end.Cause.Event(tt.isCaller); got != tt.want || event != tt.event {
			t.Errorf("%+v: %s %s, want %s %s", tt, event, got, tt.event, tt.want)
		}
	}
	known := map[string]bool{}
	for _, e := range control.EventTypes() {
		known[e.Name] = true
	}
	for _, e := range cause.Registry() {
		for _, caller := range []bool{true, false} {
			if !known[e.Cause.Event(caller)] {
				t.Errorf("the event %s of %s is not in EventTypes", e.Cause.Event(caller), e.Cause)
			}
		}
	}
}
