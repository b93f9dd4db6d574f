package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/signaling/cause"
)

var update = flag.Bool("update", false, "rewrite the golden files and the generated documents")

func TestMain(m *testing.M) {
	time.Local = time.UTC // what people see is in their time; the golden files have one
	m.Run()
}

// ctl runs callboxctl as main does.
func ctl(t *testing.T, in string, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(in), &o, &e)
	return code, o.String(), e.String()
}

// TestOutput compares what people and programs see with testdata; -update
// rewrites it.
func TestOutput(t *testing.T) {
	t.Setenv("CALLBOX_CONTROL_SOCKET", "")
	bad, good := filepath.Join("testdata", "bad.yaml"), filepath.Join("testdata", "good.yaml")
	jwk := filepath.Join("testdata", "anna.json")
	key, set := filepath.Join("testdata", "maker.json"), filepath.Join("testdata", "maker.jwks.json")
	golden1 := goldenToken(t, "good, everything in it")
	theCall := []string{"--iss", "https://maker.example", "--jwks", set, "--sn", "golden-device-1", "--dkt", "CRFZQaU4cVWkyh7ORVhYEfwFt99lXGi5oDhoF69j_7s",
		"--jkt", "L3cBb1SYKT-yoNJWBd6FnVr8KYGbV9Ig1rk1mxnxWjw", "--room", "Zm9yLWV2ZXItb25lLWNhbGwtMQ", "--type", "video"}
	inspect := func(token string, more ...string) []string {
		return append([]string{"token", "inspect", token}, more...)
	}
	at := []string{"--at", "2026-11-18T11:06:40Z"} // 10 s after the golden tokens were issued
	issue := []string{"token", "issue", "--key", key, "--iss", "https://maker.example", "--sn", "golden-device-1", "--dkt", "CRFZQaU4cVWkyh7ORVhYEfwFt99lXGi5oDhoF69j_7s",
		"--jkt", "L3cBb1SYKT-yoNJWBd6FnVr8KYGbV9Ig1rk1mxnxWjw", "--room", "Zm9yLWV2ZXItb25lLWNhbGwtMQ", "--sub", "user-17", "--name", "Anna", "--id", "golden-1"}
	for name, tt := range map[string]struct {
		args []string
		code int
	}{
		"help":                      {[]string{"--help"}, exitOK},
		"help-pair":                 {[]string{"pair", "--help"}, exitOK},
		"help-call":                 {[]string{"call", "--help"}, exitOK},
		"help-exit-codes":           {[]string{"help", "exit-codes"}, exitOK},
		"status":                    {[]string{"status"}, exitOK},
		"status-devices":            {[]string{"status", "--devices"}, exitOK},
		"status-json":               {[]string{"status", "--json"}, exitOK},
		"call":                      {[]string{"call", "Anna", "group:family", "--in-turn", "--voice", "--limit", "10m"}, exitOK},
		"call-json":                 {[]string{"call", "Anna", "--json"}, exitOK},
		"call-nobody":               {[]string{"call"}, exitUsage},
		"call-unknown":              {[]string{"call", "Zoe"}, exitNoSuch},
		"call-not-allowed":          {[]string{"call", "Bert"}, exitNotNow},
		"call-busy":                 {[]string{"call", "busy", "--json"}, exitNotNow},
		"call-both":                 {[]string{"call", "Anna", "--voice", "--video"}, exitUsage},
		"answer":                    {[]string{"answer"}, exitOK},
		"answer-json":               {[]string{"answer", "--json"}, exitOK},
		"reject-talking":            {[]string{"reject"}, exitNoSuch},
		"hangup":                    {[]string{"hangup"}, exitOK},
		"hangup-gone":               {[]string{"hangup", "old-room"}, exitNoSuch},
		"hangup-two":                {[]string{"hangup", "a", "b"}, exitUsage},
		"mute":                      {[]string{"mute", "on"}, exitOK},
		"mute-maybe":                {[]string{"mute", "maybe"}, exitUsage},
		"camera":                    {[]string{"camera", "off"}, exitOK},
		"camera-switch":             {[]string{"camera", "switch"}, exitOK},
		"camera-switch-unknown":     {[]string{"camera", "switch", "Cellar"}, exitNoSuch},
		"camera-switch-missing":     {[]string{"camera", "switch", "Gate"}, exitOK},
		"volume":                    {[]string{"volume"}, exitOK},
		"volume-set":                {[]string{"volume", "70", "--json"}, exitOK},
		"volume-loud":               {[]string{"volume", "110"}, exitUsage},
		"devices":                   {[]string{"devices"}, exitOK},
		"devices-json":              {[]string{"devices", "--json"}, exitOK},
		"clock":                     {[]string{"clock"}, exitOK},
		"dnd":                       {[]string{"dnd"}, exitOK},
		"dnd-for":                   {[]string{"dnd", "on", "--for", "2h"}, exitOK},
		"dnd-off":                   {[]string{"dnd", "off", "--json"}, exitOK},
		"dnd-off-for":               {[]string{"dnd", "off", "--for", "2h"}, exitUsage},
		"data-send":                 {[]string{"data", "send", `"ping"`}, exitOK},
		"data-send-refused":         {[]string{"data", "send", `{"a":1}`}, exitNotTaken},
		"data-send-word":            {[]string{"data", "send", "ping"}, exitUsage},
		"data-answer-late":          {[]string{"data", "answer", "d9"}, exitNoSuch},
		"pair":                      {[]string{"pair"}, exitOK},
		"pair-right":                {[]string{"pair", "--rights", "fly"}, exitUsage},
		"pair-unitless":             {[]string{"pair", "--for", "10"}, exitUsage},
		"pair-json":                 {[]string{"pair", "--json", "--for", "1m"}, exitOK},
		"contacts":                  {[]string{"contacts"}, exitOK},
		"contacts-json":             {[]string{"contacts", "list", "--json"}, exitOK},
		"contacts-verb":             {[]string{"contacts", "remove"}, exitUsage},
		"contacts-add":              {[]string{"contacts", "add", "Dora", "--jwk", jwk, "--rights", "call", "--max", "30m", "--camera", "off"}, exitOK},
		"contacts-add-taken":        {[]string{"contacts", "add", "Anna", "--jwk", jwk}, exitNotNow},
		"contacts-add-keyless":      {[]string{"contacts", "add", "Dora"}, exitUsage},
		"contacts-set":              {[]string{"contacts", "set", "Anna", "--rights", "inherit", "--groups", "family,friends", "--hours", "Mon-Fri 08:00-20:00", "--hours", "Sat 10:00-14:00", "--day", "2h"}, exitOK},
		"contacts-set-nothing":      {[]string{"contacts", "set", "Anna"}, exitUsage},
		"contacts-set-badly":        {[]string{"contacts", "set", "Anna", "--max", "soon"}, exitUsage},
		"contacts-rename":           {[]string{"contacts", "rename", "Anna", "Anna's new phone"}, exitOK},
		"contacts-replace":          {[]string{"contacts", "replace", "Anna"}, exitOK},
		"contacts-replace-json":     {[]string{"contacts", "replace", "Anna", "--for", "1m", "--json"}, exitOK},
		"contacts-replace-key":      {[]string{"contacts", "replace", "Anna", "--jwk", jwk}, exitOK},
		"contacts-replace-key-json": {[]string{"contacts", "replace", "Anna", "--jwk", jwk, "--json"}, exitOK},
		"contacts-replace-nobody":   {[]string{"contacts", "replace", "Zoe"}, exitNoSuch},
		"contacts-replace-both":     {[]string{"contacts", "replace", "Anna", "--jwk", jwk, "--wait"}, exitUsage},
		"contacts-replace-soon":     {[]string{"contacts", "replace", "Anna", "--for", "0s"}, exitUsage},
		"revoke":                    {[]string{"contacts", "revoke", "Anna"}, exitOK},
		"revoke-unknown":            {[]string{"contacts", "revoke", "Zoe"}, exitNoSuch},
		"revoke-json":               {[]string{"contacts", "revoke", "Zoe", "--json"}, exitNoSuch},
		"forget":                    {[]string{"contacts", "forget", "Anna"}, exitOK},
		"explain":                   {[]string{"policy", "explain", "--contact", "Anna", "--at", "2026-11-24 18:30"}, exitOK},
		"explain-night":             {[]string{"policy", "explain", "--contact", "Anna", "--at", "2026-11-24T22:00:00Z", "--out", "--type", "voice"}, exitOK},
		"explain-json":              {[]string{"policy", "explain", "--contact", "Anna", "--at", "2026-11-24 18:30", "--json"}, exitOK},
		"explain-nobody":            {[]string{"policy", "explain"}, exitUsage},
		"calls":                     {[]string{"calls"}, exitOK},
		"calls-json":                {[]string{"calls", "--json", "--limit", "1"}, exitOK},
		"calls-csv":                 {[]string{"calls", "--csv", "--since", "2026-11-24"}, exitOK},
		"calls-none":                {[]string{"calls", "--limit", "0"}, exitUsage},
		"calls-never":               {[]string{"calls", "--cause", "busy"}, exitOK},
		"calls-badly":               {[]string{"calls", "--since", "yesterday"}, exitUsage},
		"calls-cause":               {[]string{"calls", "--cause", "gone"}, exitUsage},
		"doctor":                    {[]string{"doctor", "--config", good}, exitUnwell},
		"doctor-bad":                {[]string{"doctor", "--config", bad}, exitUnwell},
		"doctor-json":               {[]string{"doctor", "--config", good, "--json"}, exitUnwell},
		"check":                     {[]string{"check", good}, exitOK},
		"check-bad":                 {[]string{"check", bad}, exitConfig},
		"check-no-file":             {[]string{"check", "testdata/nofile.yaml"}, exitConfig},
		"check-bad-json":            {[]string{"check", bad, "--json"}, exitConfig},
		"reload":                    {[]string{"reload"}, exitOK},
		"idle-not":                  {[]string{"idle", "--for", "0s"}, exitNotNow},
		"idle-never":                {[]string{"idle", "--for=-1s"}, exitUsage},
		"manual-when":               {[]string{"manual", "x", "--date", "soon"}, exitUsage},
		"clock-reset":               {[]string{"clock", "reset"}, exitOK},
		"token":                     {[]string{"token"}, exitOK},
		"token-issuers":             {[]string{"token", "issuers"}, exitOK},
		"token-issuers-json":        {[]string{"token", "issuers", "--json"}, exitOK},
		"token-deny":                {[]string{"token", "deny", "https://maker.example", "--subject", "user-17"}, exitOK},
		"token-deny-all":            {[]string{"token", "deny", "https://maker.example", "--json"}, exitOK},
		"token-deny-two":            {[]string{"token", "deny", "https://maker.example", "--subject", "a", "--key", "b"}, exitUsage},
		"token-deny-nobody":         {[]string{"token", "deny"}, exitUsage},
		"token-allow":               {[]string{"token", "allow", "https://maker.example", "--token", "t1"}, exitOK},
		"token-allow-never":         {[]string{"token", "allow", "https://maker.example", "--key", "k1"}, exitNoSuch},
		"token-issue":               {append(issue, append(at, "--limit", "10m", "--rights", "call,unlock", "--life", "5m")...), exitOK},
		"token-issue-json":          {append(issue, append(at, "--json")...), exitOK},
		"token-issue-long":          {append(issue, append(at, "--life", "11m")...), exitFailed},
		"token-issue-dkt":           {append(issue, append(at, "--dkt", "abc")...), exitUsage},
		"token-issue-jkt":           {append(issue, append(at, "--jkt", "def")...), exitUsage},
		"token-issue-no-key":        {[]string{"token", "issue", "--iss", "x"}, exitUsage},
		"token-issue-public":        {append(issue, append(at, "--key", set)...), exitFailed},
		"token-issue-soon":          {append(issue, append(at, "--limit", "soon")...), exitUsage},
		"token-jwks":                {[]string{"token", "jwks", key}, exitOK},
		"token-jwks-what":           {[]string{"token", "jwks"}, exitUsage},
		"token-inspect":             {inspect(golden1, append(theCall, at...)...), exitOK},
		"token-inspect-json":        {inspect(golden1, append(theCall, append(at, "--json")...)...), exitOK},
		"token-inspect-alone":       {inspect(golden1, at...), exitOK},
		"token-inspect-strict":      {inspect(golden1, append(at, "--strict")...), exitNotNow},
		"token-inspect-strict-all":  {inspect(golden1, append(theCall, append(at, "--strict")...)...), exitOK},
		"token-inspect-old":         {inspect(golden1, append(theCall, "--at", "2026-11-19T11:06:40Z")...), exitNotNow},
		"token-inspect-elsewhere":   {inspect(golden1, append(theCall, append(at, "--sn", "golden-device-2", "--room", "other", "--type", "voice")...)...), exitNotNow},
		"token-inspect-clockless":   {inspect(golden1, append(theCall, "--no-clock")...), exitOK},
		"token-inspect-no-nonce":    {inspect(goldenToken(t, "good"), append(theCall, "--no-clock")...), exitNotNow},
		"token-inspect-forged":      {inspect(goldenToken(t, "right kid, foreign key"), append(theCall, at...)...), exitNotNow},
		"token-inspect-foreign-kid": {inspect(goldenToken(t, "unknown key"), append(theCall, at...)...), exitNotNow},
		"token-inspect-no-token":    {inspect("hello"), exitNotNow},
		"token-inspect-nothing":     {[]string{"token", "inspect"}, exitUsage},
		"token-inspect-no-set":      {inspect(golden1, "--jwks", key), exitFailed},
		"unknown-verb":              {[]string{"anwser"}, exitUsage},
		"unknown-flag":              {[]string{"status", "--jason"}, exitUsage},
		"status-argument":           {[]string{"status", "now"}, exitUsage},
		"completion-of-what":        {[]string{"completion", "tcsh"}, exitUsage},
	} {
		t.Run(name, func(t *testing.T) {
			_, socket := startDoor(t)
			code, out, errs := ctl(t, "", append(tt.args, "--socket", socket)...)
			if code != tt.code {
				t.Errorf("exit code = %d, want %d\n%s%s", code, tt.code, out, errs)
			}
			if errs != "" {
				out += "--- stderr\n" + errs
			}
			out = strings.ReplaceAll(out, control.ThisVersion().Version, "VERSION")
			golden(t, name, strings.ReplaceAll(out, socket, "SOCKET"))
		})
	}
}

// goldenToken is one of the vectors that every implementation reads.
func goldenToken(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "signaling", "testdata", "tokens.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Tokens []struct{ Name, Token string }
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	for _, v := range vectors.Tokens {
		if v.Name == name {
			return v.Token
		}
	}
	t.Fatalf("there is no token %q", name)
	return ""
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	held(t, filepath.Join("testdata", name+".txt"), got)
}

// held compares a file with what it should be, and rewrites it with -update.
func held(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the output differs from %s; -update rewrites it\n got:\n%s\nwant:\n%s", path, got, want)
	}
}

func TestVerbsReachTheDaemon(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"answer", "room-1"}, "answer room-1"},
		{[]string{"hangup"}, "hangup"},
		{[]string{"mute", "on"}, "microphone off"},
		{[]string{"mute", "off"}, "microphone on"},
		{[]string{"camera", "off"}, "camera off"},
		{[]string{"camera", "switch", "Yard"}, "switch Yard"},
		{[]string{"pair", "--close"}, "close"},
		{[]string{"call", "Anna", "--query", "hello", "--key", "k1"}, `call {"to":["Anna"],"roomType":"video","query":"hello","idempotencyKey":"k1"}`},
		{[]string{"call", "Anna", "--together"}, `call {"to":["Anna"],"mode":"together","roomType":"video"}`},
		{[]string{"call", "Anna", "--in-turn"}, `call {"to":["Anna"],"mode":"inTurn","roomType":"video"}`},
		{[]string{"data", "answer", "d1", "--error", "forbidden"}, `answerData {"id":"d1","error":"forbidden"}`},
		{[]string{"contacts", "set", "Anna", "--rights", "none", "--max", "inherit", "--camera", "inherit", "--hours", "inherit"}, `change {"rights":[],"maxSeconds":null,"hours":null,"camera":null}`},
		{[]string{"contacts", "set", "Anna", "--rights", "call,auto", "--day", "1d", "--camera", "on"}, `change {"rights":["call","auto"],"daySeconds":86400,"camera":true}`},
		{[]string{"contacts", "rename", "Anna", "Annie"}, `change {"name":"Annie"}`},
		{[]string{"contacts", "forget", "Anna"}, "forget Anna"},
		{[]string{"calls", "--since", "2026-11-24 18:30", "--until", "2026-11-25", "--contact", "Anna"},
			`calls {"Since":"2026-11-24T18:30:00Z","Until":"2026-11-25T00:00:00Z","Contact":"Anna","Cause":"","Limit":1000,"After":""}`},
		{[]string{"calls", "--cause", "running"}, `calls {"Since":"0001-01-01T00:00:00Z","Until":"0001-01-01T00:00:00Z","Contact":"","Cause":"running","Limit":20,"After":""}`},
		{[]string{"dnd", "on"}, "dnd true"},
		{[]string{"volume", "0"}, `volume {"percent":0}`},
		{[]string{"clock", "reset"}, "reset true"},
		{[]string{"token", "deny", "https://maker.example", "--key", "2026-11"}, `deny {"issuer":"https://maker.example","key":"2026-11"}`},
		{[]string{"token", "allow", "https://maker.example"}, `allow {"issuer":"https://maker.example"}`},
	} {
		d, socket := startDoor(t)
		if code, _, errs := ctl(t, "", append(tt.args, "--socket", socket)...); code != exitOK {
			t.Errorf("%v = %d: %s", tt.args, code, errs)
		}
		if got := strings.Join(d.all(), ", "); got != tt.want {
			t.Errorf("%v asked\n%s, want\n%s", tt.args, got, tt.want)
		}
	}
}

// TestWait: the exit code of a call that is waited for is that of its cause.
func TestWait(t *testing.T) {
	for _, e := range cause.Registry() {
		d, socket := startDoor(t)
		d.after = script("g1", cause.End{Cause: e.Cause})
		code, out, errs := ctl(t, "", "call", "Anna", "--wait", "--socket", socket, "--json")
		var got callResult
		if err := json.Unmarshal([]byte(out), &got); err != nil || got != (callResult{"r1", "g1", e.Cause, "", "", 65}) {
			t.Errorf("%s: %v, %s", e.Cause, err, out)
		}
		if code != e.ExitCode || errs != "" {
			t.Errorf("%s: exit code %d, want %d; %s", e.Cause, code, e.ExitCode, errs)
		}
	}
	d, socket := startDoor(t)
	d.after = script("kR3v9", cause.End{Cause: cause.Hangup, Origin: cause.TimeLimit})
	code, out, errs := ctl(t, "", "answer", "--wait", "--socket", socket)
	golden(t, "answer-wait", out+errs)
	if code != exitOK {
		t.Errorf("exit code = %d", code)
	}
	d, socket = startDoor(t)
	d.after = func(d *door) { d.events.Close() }
	if code, _, errs := ctl(t, "", "call", "Anna", "--wait", "--socket", socket); code != exitUnreachable || !strings.Contains(errs, "has stopped") {
		t.Errorf("the daemon stops in the call: %d, %s", code, errs)
	}
	_, socket = startDoor(t)
	if code, _, errs := ctl(t, "", "call", "Zoe", "--wait", "--socket", socket); code != exitNoSuch {
		t.Errorf("a call to nobody: %d, %s", code, errs)
	}
}

func TestUnreachable(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "none.sock")
	code, _, errs := ctl(t, "", "status", "--socket", socket)
	if code != exitUnreachable || !strings.Contains(errs, socket) || !strings.Contains(errs, "systemctl status callbox") {
		t.Errorf("exit code %d, and the error does not help:\n%s", code, errs)
	}
	code, out, _ := ctl(t, "", "version", "--json", "--socket", socket)
	var versions struct {
		Daemon *control.Version `json:"callboxd"`
	}
	if err := json.Unmarshal([]byte(out), &versions); err != nil || versions.Daemon != nil || code != exitOK {
		t.Errorf("version without a daemon: %d, %v\n%s", code, err, out)
	}
	code, out, _ = ctl(t, "", "doctor", "--socket", socket, "--config", filepath.Join("testdata", "good.yaml"))
	if code != exitUnwell || !strings.Contains(out, "callboxd does not run, or has another socket: there is no "+socket) || !strings.Contains(out, "journalctl") || !strings.Contains(out, "CALLBOX_CONTROL_SOCKET") {
		t.Errorf("doctor without a daemon: %d\n%s", code, out)
	}
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, out, _ = ctl(t, "", "doctor", "--socket", socket); !strings.Contains(out, "is no socket") {
		t.Errorf("doctor with a file for a socket:\n%s", out)
	}
}

func TestFiles(t *testing.T) {
	_, socket := startDoor(t)
	dir := t.TempDir()
	picture, report := filepath.Join(dir, "door.jpg"), filepath.Join(dir, "report.json")
	if code, out, errs := ctl(t, "", "snapshot", picture, "--socket", socket); code != exitOK || !strings.Contains(out, "9 bytes") {
		t.Errorf("snapshot = %d %s%s", code, out, errs)
	}
	if raw, err := os.ReadFile(picture); err != nil || string(raw) != "\xff\xd8picture" {
		t.Errorf("the picture is %q, %v", raw, err)
	}
	if _, out, _ := ctl(t, "", "snapshot", "-", "--socket", socket); out != "\xff\xd8picture" {
		t.Errorf("snapshot - = %q", out)
	}
	if code, _, errs := ctl(t, "", "bugreport", report, "--socket", socket); code != exitOK {
		t.Errorf("bugreport = %d %s", code, errs)
	}
	info, err := os.Stat(report)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the report has the mode %v, %v", info.Mode(), err)
	}
	_, out, _ := ctl(t, "", "bugreport", "-", "--socket", socket)
	var r control.BugReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.Version.Version != "0.1.0" || strings.Contains(out, "Anna") {
		t.Errorf("the report: %v, or it names people", err)
	}
	if _, out, _ := ctl(t, "", "metrics", "--socket", socket); !strings.Contains(out, "\ncallbox_calls_total 7\n") {
		t.Errorf("metrics = %s", out)
	}
	if code, out, errs := ctl(t, `{"kty":"EC","crv":"P-256","x":"x","y":"y"}`, "contacts", "add", "Dora", "--jwk", "-", "--socket", socket); code != exitOK {
		t.Errorf("contacts add from the standard input = %d %s%s", code, out, errs)
	}
	if code, _, errs := ctl(t, `{"kty":"EC","crv":"P-256","x":"x","y":"y","d":"secret"}`, "contacts", "add", "Dora", "--jwk", "-", "--socket", socket); code != exitUsage {
		t.Errorf("a private key = %d %s", code, errs)
	}
}

func TestWatchLines(t *testing.T) {
	for name, args := range map[string][]string{"watch": nil, "watch-json": {"--json"}} {
		d, socket := startDoor(t)
		script("g1", cause.End{Cause: cause.Aborted, Detail: cause.MediaLost})(d)
		d.events.Publish(control.EventData, "r1", control.MessageData{ID: "d1", Payload: json.RawMessage(`{"text":"\u001b[2J\u202e"}`), Contact: "Anna \x1b]0;x\a"})
		d.events.Close()
		code, out, errs := ctl(t, "", append([]string{"watch", "--after", "2", "--socket", socket}, args...)...)
		if code != exitUnreachable || !strings.Contains(errs, "callboxd has stopped") {
			t.Errorf("watch = %d, %s", code, errs)
		}
		if strings.ContainsAny(out, "\x1b\a\u202e") {
			t.Errorf("what a phone sent reaches the terminal as it is: %q", out)
		}
		out = regexp.MustCompile(`[A-Z2-7]{8}`).ReplaceAllString(out, "EPOCHXXX")
		golden(t, name, regexp.MustCompile(`(?m)^[0-9:]{8}  Front|"time":"20[^"]*"`).ReplaceAllStringFunc(out, func(s string) string {
			if strings.HasSuffix(s, "Front") {
				return "00:00:00  Front"
			}
			return `"time":"TIME"`
		}))
	}
}
