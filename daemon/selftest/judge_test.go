package selftest

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"callbox/signaling/cause"
)

var update = flag.Bool("update", false, "rewrite testdata and the table of docs/selftest.md")

// good are the figures of a device that works, as one was measured.
func good() Figures {
	return Figures{
		Device: Device{"Front door", "door-1", "BO3J5mMcqAQ3v9gDeQrn6NvqYMQ2-pVtuDCyTlimvQ8", "0.1.0"},
		RoomID: "t5rn1vjKATGtABxhojbYaA", RoomType: "video", Asked: 10, Limit: 10,
		Parts: Parts{"usb-Doorcam", "Codec", "Codec"},
		Hardware: []Part{
			{Kind: "camera", Name: "usb-Doorcam", Wanted: "auto"}, {Kind: "microphone", Name: "Codec", Wanted: "auto"},
			{Kind: "speaker", Name: "Codec", Wanted: "Codec"}, {Kind: "display", Wanted: "none"},
		},
		Volume: new(70),
		Times:  Times{Ringing: 15.8, Accepted: 1659.7, Connected: 24.6, Started: 1659.8, FirstSound: 1670.1, FirstPicture: 1755.6},
		Down: Stream{
			Sound:   Track{Codec: "opus", Packets: 466, Jitter: 2.5, Gap: 41.6, Bitrate: 24061},
			Picture: Track{Codec: "VP8", Packets: 1030, Jitter: 2.2, Gap: 88.8, Bitrate: 1103198},
			Width:   1280, Height: 720, Rate: 29.5,
		},
		Up:      Up{Known: true},
		Way:     Way{"host udp 127.0.0.1:45222", "host udp 127.0.0.1:50676", 0.1},
		Latency: &Spread{232, 4.2, 13.7, 29.3},
		Level:   &Level{-18.1, -11.7},
		Echo:    Echo{Measured: true, Floor: 60.6, Level: -20.4, Periods: 3},
		End:     End{Cause: cause.Hangup, Origin: cause.TimeLimit, ByDevice: true, Talk: 9.97, Known: true, Device: 1.1, Phone: 8.9},
	}
}

// TestJudge changes one figure at a time: the row that is to tell of it, how, and what
// becomes of the whole.
func TestJudge(t *testing.T) {
	for name, tt := range map[string]struct {
		change  func(*Figures)
		row     string
		state   State
		says    string
		verdict State
	}{
		"all is well":        {func(*Figures) {}, "call", OK, "talked for 10 s and ended at its limit", OK},
		"it rings late":      {func(f *Figures) { f.Times.Ringing = 400 }, "ring", Warning, "400 ms until it rings, better ≤ 300 ms", Warning},
		"it rings too late":  {func(f *Figures) { f.Times.Ringing = 1500 }, "ring", Failed, "1500 ms until it rings, wanted ≤ 1000 ms", Failed},
		"no preconnect":      {func(f *Figures) { f.Times.Connected = 1700 }, "connect", OK, "40.3 ms from the answer until media is connected", OK},
		"sound before start": {func(f *Figures) { f.Times.FirstSound = 1659 }, "first_sound", OK, "0 ms from the answer", OK},
		"no sound came": {func(f *Figures) { f.Times.FirstSound, f.Down.Sound, f.Level = 0, Track{}, nil },
			"first_sound", Failed, "no sound came", Failed},
		"no picture came":    {func(f *Figures) { f.Times.FirstPicture, f.Down.Picture = 0, Track{} }, "first_picture", Failed, "no picture came", Failed},
		"a slow picture":     {func(f *Figures) { f.Times.FirstPicture = 2500 }, "first_picture", Warning, "840.3 ms", Warning},
		"a real camera":      {func(f *Figures) { f.Latency = nil }, "latency", Off, "not measurable with this camera", OK},
		"late pictures":      {func(f *Figures) { f.Latency.P95 = 300 }, "latency", Failed, "wanted ≤ 250 ms", Failed},
		"few pictures":       {func(f *Figures) { f.Down.Rate = 8 }, "rate", Failed, "8 pictures/s of 1280 × 720, VP8, 1103 kbit/s, wanted ≥ 10 pictures/s", Failed},
		"the camera hangs":   {func(f *Figures) { f.Down.Picture.Gap = 1200 }, "gap", Failed, "1200 ms at most without a picture", Failed},
		"the camera is off":  {func(f *Figures) { f.CamOff, f.Times.FirstPicture, f.Down.Picture = true, 0, Track{} }, "camera", Failed, "off or lost in the talk", Failed},
		"no rate of it":      {func(f *Figures) { f.CamOff, f.Times.FirstPicture, f.Down.Picture = true, 0, Track{} }, "rate", Off, "the camera is off", Failed},
		"the camera is lost": {func(f *Figures) { f.CamOff, f.Down.Picture.Gap = true, 5000 }, "gap", Failed, "5000 ms", Failed},
		"a voice call needs no": {func(f *Figures) {
			f.RoomType, f.CamOff, f.Times.FirstPicture, f.Down.Picture, f.Latency = "voice", true, 0, Track{}, nil
		}, "camera", OK, "usb-Doorcam", OK},
		"no camera": {func(f *Figures) {
			f.Parts.Camera, f.Times.FirstPicture, f.Down.Picture, f.Latency = "", 0, Track{}, nil
		},
			"rate", Off, "the device has no camera", OK},
		"a voice call": {func(f *Figures) {
			f.RoomType, f.Times.FirstPicture, f.Down.Picture, f.Latency = "voice", 0, Track{}, nil
		},
			"rate", Off, "a call without a picture", OK},
		"loss down":                {func(f *Figures) { f.Down.Sound.Lost = 20 }, "loss_down", Failed, "4.1%", Failed},
		"loss up":                  {func(f *Figures) { f.Up.Loss = 0.005 }, "loss_up", Warning, "0.5%", Warning},
		"jitter":                   {func(f *Figures) { f.Down.Sound.Jitter = 31 }, "jitter", Failed, "31 ms of the sound, opus, 24 kbit/s", Failed},
		"a long way":               {func(f *Figures) { f.Way.RoundTrip = 30 }, "round_trip", Warning, "30 ms", Warning},
		"silence":                  {func(f *Figures) { f.Level = &Level{quietest, quietest} }, "sound", Failed, "the microphone gives silence: -96.3 dB", Failed},
		"hardly a sound":           {func(f *Figures) { f.Level = &Level{-75, -65} }, "sound", Warning, "-65 dB at its loudest, -75 dB on average", Warning},
		"muted":                    {func(f *Figures) { f.Muted = true }, "microphone", Failed, "Codec: off or lost in the talk", Failed},
		"no level of it":           {func(f *Figures) { f.Muted = true }, "sound", Off, "the microphone is off", Failed},
		"nothing was heard of it":  {func(f *Figures) { f.Muted, f.Times.FirstSound, f.Down.Sound = true, 0, Track{} }, "microphone", Failed, "off or lost", Failed},
		"the sound stops":          {func(f *Figures) { f.Down.Sound.Gap = 9000 }, "sound_gap", Failed, "9000 ms at most without sound, wanted ≤ 1000 ms", Failed},
		"the sound stumbles":       {func(f *Figures) { f.Down.Sound.Gap = 250 }, "sound_gap", Warning, "250 ms", Warning},
		"no echo of what is muted": {func(f *Figures) { f.Muted = true }, "echo", Off, "the microphone is off", Failed},
		"no microphone":            {func(f *Figures) { f.Parts.Microphone, f.Level, f.Echo = "", nil, Echo{} }, "sound", Off, "the device has no microphone", OK},
		"no speaker":               {func(f *Figures) { f.Parts.Speaker = "" }, "echo", Off, "the device has no speaker", OK},
		"no echo":                  {func(*Figures) {}, "echo", OK, "no echo heard (below -60.6 dB)", OK},
		"an echo": {func(f *Figures) { f.Echo.Heard, f.Echo.Loss, f.Echo.Delay, f.Echo.Method = true, 22, 180, "waveform" },
			"echo", Warning, "22 dB return loss, after 180 ms, better ≥ 30 dB", Warning},
		"a loud echo": {func(f *Figures) { f.Echo.Heard, f.Echo.Loss, f.Echo.Method = true, 8, "loudness" },
			"echo", Failed, "8 dB return loss, by its loudness, wanted ≥ 15 dB", Failed},
		"an echo that is well below": {func(f *Figures) { f.Echo.Floor = 31 }, "echo", OK, "no echo heard (below -31 dB)", OK},
		"too loud to tell":           {func(f *Figures) { f.Echo.Floor = 3 }, "echo", Warning, "too loud here to tell: an echo of less than -3 dB would not have been heard, wanted ≥ 30 dB", Warning},
		"louder than the speaker":    {func(f *Figures) { f.Echo.Floor = -5 }, "echo", Warning, "less than 5 dB", Warning},
		"the volume is 0":            {func(f *Figures) { f.Volume = new(0) }, "speaker", Warning, "the volume is 0", Warning},
		"no echo of it":              {func(f *Figures) { f.Volume = new(0) }, "echo", Off, "not tested: the volume is 0", Warning},
		"an echo of it": {func(f *Figures) { f.Volume, f.Echo.Heard, f.Echo.Loss, f.Echo.Method = new(0), true, 8, "waveform" },
			"echo", Failed, "8 dB return loss", Failed},
		"the speaker is lost":     {func(f *Figures) { f.SpkOff = true }, "speaker", Failed, "off or lost in the talk", Failed},
		"nor an echo of that":     {func(f *Figures) { f.SpkOff = true }, "echo", Off, "not tested: the speaker is off", Failed},
		"no camera was found":     {part(0, Part{"camera", "virtual", "auto", true, "no camera was found"}), "camera", Failed, "no camera was found: a virtual one stands in", Failed},
		"a camera is missing":     {part(0, Part{"camera", "usb-Front", "usb-Front", false, `camera "usb-Front" is not there`}), "camera", Failed, "is not there", Failed},
		"a virtual camera":        {part(0, Part{"camera", "virtual", "virtual", true, ""}), "camera", Warning, "virtual, by hal.camera.name", Warning},
		"none by configuration":   {part(0, Part{"camera", "", "none", false, ""}), "camera", Off, "none, by hal.camera.name", OK},
		"a microphone is missing": {part(1, Part{"microphone", "usb-Mic", "usb-Mic", false, `microphone "usb-Mic" is not there`}), "microphone", Failed, "is not there", Failed},
		"no microphone was found": {part(1, Part{"microphone", "virtual", "auto", true, "no microphone was found"}), "microphone", Failed, "stands in", Failed},
		"a speaker is missing":    {part(2, Part{"speaker", "usb-Spk", "usb-Spk", false, `speaker "usb-Spk" is not there`}), "speaker", Failed, "is not there", Failed},
		"a virtual speaker":       {part(2, Part{"speaker", "virtual", "virtual", true, ""}), "echo", Off, "not tested: the speaker is virtual", Warning},
		"a screen is missing":     {part(3, Part{"display", "auto", "auto", false, "no screen is connected"}), "display", Failed, "no screen is connected", Failed},
		"the worst of cameras": {func(f *Figures) {
			f.Hardware = append(f.Hardware, Part{"camera", "usb-Yard", "usb-Yard", false, `camera "usb-Yard" is not there`})
		}, "camera", Failed, "usb-Yard", Failed},
		"a short talk":            {func(f *Figures) { f.Echo = Echo{} }, "echo", Off, "the talk was too short", OK},
		"the limit is late":       {func(f *Figures) { f.End.Device = 51 }, "limit", Failed, "51 ms behind the deadline on the device", Failed},
		"the phone ends late":     {func(f *Figures) { f.End.Phone = 200 }, "limit_phone", Warning, "200 ms behind the deadline on the phone", Warning},
		"the deadline is secret":  {func(f *Figures) { f.End.Known = false }, "limit", Failed, "not measured", Failed},
		"packets behind a secret": {func(f *Figures) { f.End.Known, f.End.After = false, 50 }, "packets_after", Failed, "50 packets", Failed},
		"the limit is early":      {func(f *Figures) { f.End.Device = -300 }, "limit", Failed, "300 ms before the deadline on the device", Failed},
		"the phone ends early":    {func(f *Figures) { f.End.Phone = -300 }, "limit_phone", Failed, "300 ms before the deadline on the phone", Failed},
		"two clocks":              {func(f *Figures) { f.End.Device = -0.4 }, "limit", OK, "0 ms behind", OK},
		"packets behind it":       {func(f *Figures) { f.End.After = 2 }, "packets_after", Failed, "2 packets of media after the deadline", Failed},
		"hung up": {func(f *Figures) { f.End.Origin, f.End.Talk = cause.Manual, 3.5 },
			"call", Failed, "ended after 3.5 s by hangup, manual, not at its limit", Failed},
		"do not disturb": {func(f *Figures) { f.Times, f.End = Times{}, End{Cause: cause.DND, ByDevice: true} },
			"call", Failed, "no talk came about: dnd", Failed},
		"declined": {func(f *Figures) { f.Times.Started, f.End = 0, End{Cause: cause.Rejected, ByDevice: true} },
			"call", Failed, "no talk came about: rejected", Failed},
	} {
		t.Run(name, func(t *testing.T) {
			f := good()
			tt.change(&f)
			r := Judge(f, DefaultBars())
			if r.Verdict != tt.verdict {
				t.Errorf("verdict = %v, want %v", r.Verdict, tt.verdict)
			}
			i := slices.IndexFunc(r.Rows, func(r Row) bool { return r.Name == tt.row })
			if i < 0 {
				t.Fatalf("no row %s in %+v", tt.row, r.Rows)
			}
			row := r.Rows[i]
			if row.State != tt.state || !strings.Contains(row.Says, tt.says) {
				t.Errorf("row = %+v, want %v %q", row, tt.state, tt.says)
			}
			if (row.Remedy != "") != (row.State == Failed || row.State == Warning) {
				t.Errorf("row = %+v: a remedy belongs to what is wrong, and to nothing else", row)
			}
			if f.Times.Started == 0 && len(r.Rows) != 5 { // the call, the parts
				t.Errorf("%d rows of a talk that has not come about", len(r.Rows))
			}
		})
	}
}

// part changes one piece of the hardware.
func part(i int, p Part) func(*Figures) {
	return func(f *Figures) { f.Hardware[i] = p }
}

// TestRequired: a factory line names what a device must have.
func TestRequired(t *testing.T) {
	all := Kinds()
	for name, tt := range map[string]struct {
		change   func(*Figures)
		required []string
		row      string
		state    State
	}{
		"all are there":        {func(*Figures) {}, all[:3], "camera", OK},
		"a virtual camera":     {part(0, Part{"camera", "virtual", "virtual", true, ""}), all, "camera", Failed},
		"none":                 {part(0, Part{"camera", "", "none", false, ""}), all, "camera", Failed},
		"no display":           {func(*Figures) {}, all, "display", Failed},
		"never heard of":       {func(f *Figures) { f.Hardware = nil }, all, "microphone", Failed},
		"a virtual microphone": {part(1, Part{"microphone", "virtual", "virtual", true, ""}), all, "microphone", Failed},
		"a virtual speaker":    {part(2, Part{"speaker", "virtual", "virtual", true, ""}), all, "speaker", Failed},
		"a silent speaker":     {func(f *Figures) { f.Volume = new(0) }, all, "speaker", Failed},
		"another is required":  {part(2, Part{"speaker", "virtual", "virtual", true, ""}), all[:2], "speaker", Warning},
	} {
		t.Run(name, func(t *testing.T) {
			f := good()
			tt.change(&f)
			r := Judge(f, DefaultBars(), tt.required...)
			i := slices.IndexFunc(r.Rows, func(r Row) bool { return r.Name == tt.row })
			if i < 0 || r.Rows[i].State != tt.state {
				t.Fatalf("rows = %+v, want %s %v", r.Rows, tt.row, tt.state)
			}
			if (r.Verdict == Failed) != (tt.state == Failed) || (r.Rows[i].Remedy != "") != (tt.state != OK) {
				t.Errorf("verdict %v, row %+v", r.Verdict, r.Rows[i])
			}
		})
	}
}

// TestCodecRemedy: who has asked for one codec learns that it may be that.
func TestCodecRemedy(t *testing.T) {
	f := good()
	f.Times, f.End, f.Codec = Times{}, End{Cause: cause.JoinFailed, ByDevice: true}, "h264"
	if row := Judge(f, DefaultBars()).Rows[0]; !strings.Contains(row.Remedy, "--codec") {
		t.Errorf("row = %+v", row)
	}
}

func TestBars(t *testing.T) {
	bars := DefaultBars()
	for _, text := range []string{"ring=200", "echo=40", "rate=5.5"} {
		if err := bars.Set(text); err != nil {
			t.Error(err)
		}
	}
	for name, want := range map[string][2]float64{"ring": {200, 200}, "echo": {40, 40}, "rate": {15, 5.5}} {
		if b := bars.of(name); b.Warn != want[0] || b.Fail != want[1] {
			t.Errorf("%s = %v and %v, want %v", name, b.Warn, b.Fail, want)
		}
	}
	for _, text := range []string{"", "ring", "ring=", "ring=soon", "ring=NaN", "rong=5"} {
		if err := bars.Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
	for _, b := range DefaultBars() {
		if b.beyond(b.Fail, b.Warn) == false && b.Fail != b.Warn {
			t.Errorf("%s fails at %v, before it warns at %v", b.Name, b.Fail, b.Warn)
		}
	}
}

// TestShape holds the JSON of a report, which programs read, to a file.
func TestShape(t *testing.T) {
	f := good()
	f.Echo.Heard, f.Echo.Loss, f.Echo.Delay, f.Echo.Method = true, 22, 180, "waveform"
	got, err := json.MarshalIndent(Judge(f, DefaultBars()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "report.json")
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(file, append(got, '\n'), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got)+"\n" {
		t.Errorf("the report is\n%s\nwant\n%s\nrewrite it with -update", got, want)
	}
	var again Report
	if err := json.Unmarshal(got, &again); err != nil || again.Figures.End != f.End {
		t.Errorf("it does not come back: %v, %+v", err, again.Figures.End)
	}
}

// TestDocumented holds the table of docs/selftest.md to the bars, and its words to the rows.
func TestDocumented(t *testing.T) {
	var b strings.Builder
	b.WriteString("| row | warning | failed | what |\n|---|---|---|---|\n")
	for _, bar := range DefaultBars() {
		soft := bar
		soft.Fail = bar.Warn
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", bar.Name, beyondText(soft), beyondText(bar), bar.Says)
	}
	file := filepath.Join("..", "..", "docs", "selftest.md")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), "<!-- begin bars -->\n")
	_, after, closed := strings.Cut(rest, "<!-- end bars -->")
	if !ok || !closed {
		t.Fatal("docs/selftest.md lacks the marks of the bars")
	}
	want := before + "<!-- begin bars -->\n" + b.String() + "<!-- end bars -->" + after
	if want != string(raw) {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else {
			t.Error("docs/selftest.md has other bars; rewrite it with -update")
		}
	}
	for _, row := range Judge(good(), DefaultBars()).Rows {
		if name := "**" + strings.ReplaceAll(row.Name, "_", " ") + "**"; !strings.Contains(want, name) {
			t.Errorf("docs/selftest.md does not explain %s", name)
		}
	}
}

// beyondText says when a figure is beyond a bar.
func beyondText(b Bar) string {
	if b.More {
		return "< " + number(b.Fail, b.Unit)
	}
	return "> " + number(b.Fail, b.Unit)
}
