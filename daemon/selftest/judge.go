package selftest

import (
	"fmt"
	"math"
	"strings"

	"callbox/signaling/cause"
)

// State is how something did.
type State string

// The states.
const (
	OK      State = "ok"
	Warning State = "warning" // it works, with a drawback
	Failed  State = "failed"
	Off     State = "off"  // the device has no such part, or it cannot be measured here
	Info    State = "info" // a fact
)

// Row is one line of the report.
type Row struct {
	Name   string   `json:"name"`  // stable: the bar's, where there is one
	State  State    `json:"state"` // ok, warning, failed, off, info
	Value  *float64 `json:"value,omitzero"`
	Unit   string   `json:"unit,omitzero"` // of Value and Bar
	Bar    *float64 `json:"bar,omitzero"`  // beyond which it has failed
	Says   string   `json:"says"`          // for people
	Remedy string   `json:"remedy,omitzero"`
}

// Report is what came of a test.
type Report struct {
	Verdict State   `json:"verdict"` // ok, warning, failed: the worst of the rows
	Rows    []Row   `json:"rows"`
	Figures Figures `json:"figures"`
}

// Judge holds figures against bars. The device must have the required kinds of parts
// (Kinds), and no stand-ins for them.
func Judge(f Figures, bars Bars, required ...string) Report {
	j := &judge{f: f, bars: bars, required: required}
	j.call()
	j.parts()
	if f.Times.Started > 0 {
		j.times()
		j.way()
		j.pictures()
		j.sound()
		j.limit()
	}
	r := Report{Verdict: OK, Rows: j.rows, Figures: f}
	for _, row := range j.rows {
		if row.State == Failed || row.State == Warning && r.Verdict == OK {
			r.Verdict = row.State
		}
	}
	return r
}

type judge struct {
	f        Figures
	bars     Bars
	required []string
	rows     []Row
}

func (j *judge) add(r Row) { j.rows = append(j.rows, r) }

func (j *judge) say(name string, s State, format string, args ...any) {
	j.add(Row{Name: name, State: s, Says: fmt.Sprintf(format, args...)})
}

// hold adds the row of a figure that has a bar. says is behind the figure.
func (j *judge) hold(name string, v float64, says, remedy string) {
	bar := j.bars.of(name)
	v = math.Round(v*100) / 100
	r := Row{Name: name, State: bar.judge(v), Value: &v, Unit: bar.Unit, Bar: &bar.Fail, Says: number(v, bar.Unit) + says}
	if r.State != OK {
		r.Says += ", wanted " + bar.text()
		r.Remedy = remedy
		if r.State == Warning {
			r.Says = number(v, bar.Unit) + says + ", better " + Bar{Fail: bar.Warn, More: bar.More, Unit: bar.Unit}.text()
		}
	}
	j.add(r)
}

// call says whether there was one, and how it ended.
func (j *judge) call() {
	e := j.f.End
	what := string(e.Cause)
	if e.Detail != "" {
		what += ", " + string(e.Detail)
	}
	switch {
	case j.f.Times.Started > 0 && e.limited():
		j.say("call", OK, "talked for %s and ended at its limit", number(e.Talk, "s"))
	case j.f.Times.Started > 0:
		if e.Origin != "" {
			what += ", " + string(e.Origin)
		}
		j.add(Row{Name: "call", State: Failed, Says: fmt.Sprintf("ended after %s by %s, not at its limit", number(e.Talk, "s"), what),
			Remedy: "journalctl -u callbox says who ended it"})
	default:
		j.add(Row{Name: "call", State: Failed, Says: "no talk came about: " + what, Remedy: j.remedy()})
	}
}

// remedy says what to do about a call that has not come about.
func (j *judge) remedy() string {
	switch j.f.End.Cause {
	case cause.DND:
		return "callboxctl dnd off; or policy.do_not_disturb holds at this hour"
	case cause.Busy:
		return "callboxctl status shows the call; try again after it"
	case cause.Rejected:
		return "somebody has declined it at the device, or its speaker could not play the announcement: callboxctl doctor"
	default:
		if j.f.Codec != "" {
			return "callboxctl doctor; journalctl -u callbox; try without --codec: media.video_codecs may leave " + j.f.Codec + " out, or its encoder is missing"
		}
		return "callboxctl doctor; journalctl -u callbox"
	}
}

func (j *judge) times() {
	t := j.f.Times
	j.hold("ring", t.Ringing, " until it rings", "the device is busy with something else: top")
	j.say("answer", Info, "%s until it is answered: the announcement sounds before", number(t.Accepted, "ms"))
	if t.Connected > 0 {
		from, since := t.Accepted, " from the answer until media is connected"
		if t.Connected <= t.Accepted {
			from, since = 0, " until media is connected, while it rings"
		}
		j.hold("connect", t.Connected-from, since, "a firewall on this device: sudo nft list ruleset")
	}
	switch {
	case j.f.Parts.Microphone == "" || j.f.Muted && t.FirstSound == 0:
	case t.FirstSound > 0:
		j.hold("first_sound", max(0, t.FirstSound-t.Accepted), " from the answer until sound comes", "callboxctl doctor")
	default:
		j.add(Row{Name: "first_sound", State: Failed, Says: "no sound came", Remedy: "callboxctl doctor; journalctl -u callbox"})
	}
	switch {
	case !j.picture():
	case t.FirstPicture > 0:
		j.hold("first_picture", max(0, t.FirstPicture-t.Accepted), " from the answer until a picture comes", "a slow camera: callboxctl doctor; with media.preconnect: media it is opened while it rings")
	default:
		j.add(Row{Name: "first_picture", State: Failed, Says: "no picture came", Remedy: "callboxctl doctor; journalctl -u callbox"})
	}
}

// picture reports whether there is one to look at: one that came before the camera went
// off, too.
func (j *judge) picture() bool {
	return j.f.RoomType == "video" && j.f.Parts.Camera != "" && (!j.f.CamOff || j.f.Times.FirstPicture > 0)
}

func (j *judge) way() {
	w := j.f.Way
	if w.Phone != "" {
		j.say("way", Info, "phone %s, device %s", w.Phone, w.Device)
	}
	if w.RoundTrip > 0 {
		j.hold("round_trip", w.RoundTrip, " for a connectivity check and its answer", "the way leaves this machine, or it is busy: top")
	}
	down := max(j.f.Down.Sound.loss(), j.f.Down.Picture.loss())
	j.hold("loss_down", 100*down, " of the device's packets lost", "this machine is busy: top")
	if j.f.Up.Known {
		j.hold("loss_up", 100*j.f.Up.Loss, " of the phone's packets lost", "this machine is busy: top")
	}
}

func (j *judge) pictures() {
	d := j.f.Down
	switch {
	case j.f.RoomType != "video":
		j.say("rate", Off, "a call without a picture")
		return
	case j.f.Parts.Camera == "":
		j.say("rate", Off, "the device has no camera")
		return
	case d.Picture.Packets == 0 && j.f.CamOff:
		j.say("rate", Off, "the camera is off")
		return
	case d.Picture.Packets == 0:
		return // first_picture has failed
	}
	j.hold("rate", d.Rate, fmt.Sprintf(" of %d × %d, %s, %s", d.Width, d.Height, d.Picture.Codec, kilobits(d.Picture.Bitrate)),
		"less light means longer pictures; a slow processor: hal.camera.size, media.video_bitrate")
	j.hold("gap", d.Picture.Gap, " at most without a picture", "callboxctl doctor; the camera's cable")
	if l := j.f.Latency; l != nil {
		j.hold("latency", l.P95, fmt.Sprintf(" in 95 of 100 pictures, median %s, from the camera to the phone", number(l.Median, "ms")), "a slow processor: top")
	} else {
		j.say("latency", Off, "not measurable with this camera: only the virtual one writes the time into its picture")
	}
}

func (j *judge) sound() {
	if j.f.Parts.Microphone == "" {
		j.say("sound", Off, "the device has no microphone")
		j.say("echo", Off, "the device has no microphone")
		return
	}
	d := j.f.Down.Sound
	if d.Packets > 0 {
		j.hold("jitter", d.Jitter, fmt.Sprintf(" of the sound, %s, %s", d.Codec, kilobits(d.Bitrate)), "this machine is busy: top")
		j.hold("sound_gap", d.Gap, " at most without sound", "callboxctl doctor; the microphone's cable; this machine is busy: top")
	}
	switch l := j.f.Level; {
	case j.f.Muted:
		j.say("sound", Off, "the microphone is off")
	case l == nil:
		j.add(Row{Name: "sound", State: Failed, Says: "too little sound came to say how loud it is", Remedy: "callboxctl doctor"})
	default:
		j.hold("sound", l.Peak, fmt.Sprintf(" at its loudest, %s on average", number(l.RMS, "dB")), "alsamixer: the capture level, or its switch")
		if last := &j.rows[len(j.rows)-1]; last.State == Failed {
			last.Says = "the microphone gives silence: " + last.Says
		}
	}
	j.echo()
}

func (j *judge) echo() {
	e := j.f.Echo
	switch untested := j.unheard(); {
	case j.f.Parts.Speaker == "":
		j.say("echo", Off, "the device has no speaker")
	case j.f.Muted:
		j.say("echo", Off, "the microphone is off")
	case !e.Measured:
		j.say("echo", Off, "not measured: the talk was too short, it takes %v of sound", atLeast)
	case !e.Heard && untested != "":
		j.say("echo", Off, "not tested: %s", untested)
	case !e.Heard:
		j.noEcho()
	default:
		says := " return loss, by its loudness"
		if e.Method == "waveform" {
			says = fmt.Sprintf(" return loss, after %s", number(e.Delay, "ms"))
		}
		j.hold("echo", e.Loss, says, "media.sound.echo; the speaker too loud (callboxctl volume) or too near the microphone")
	}
}

// unheard says why the microphone could not hear the speaker, whatever the canceller
// does; "" when it could.
func (j *judge) unheard() string {
	switch {
	case j.f.SpkOff:
		return "the speaker is off"
	case j.f.Volume != nil && *j.f.Volume == 0:
		return "the volume is 0"
	case j.standIn("speaker"):
		return "the speaker is virtual"
	case j.standIn("microphone"):
		return "the microphone is virtual"
	}
	return ""
}

// noEcho judges that none was heard: that says no more than that it is weaker than the
// floor.
func (j *judge) noEcho() {
	bar, floor := j.bars.of("echo"), j.f.Echo.Floor
	if bar.judge(floor) == OK {
		j.say("echo", OK, "no echo heard (below %s)", number(-floor, "dB"))
		return
	}
	j.add(Row{
		Name: "echo", State: Warning,
		Says:   fmt.Sprintf("too loud here to tell: an echo of less than %s would not have been heard, wanted %s", number(-floor, "dB"), Bar{Fail: bar.Warn, More: bar.More, Unit: bar.Unit}.text()),
		Remedy: "a quieter place; callboxctl volume, if the speaker is low",
	})
}

// earlyMost is how early an end may seem to be, in ms: two clocks are read for it.
const earlyMost = 1

func (j *judge) limit() {
	e := j.f.End
	if !e.limited() {
		return
	}
	if e.Known {
		j.ends("limit", e.Device, "device")
		j.ends("limit_phone", e.Phone, "phone")
	} else {
		j.add(Row{Name: "limit", State: Failed, Says: "not measured: the device did not say when the deadline was", Remedy: "try again; callboxctl doctor"})
	}
	after := float64(e.After)
	zero := 0.0
	r := Row{Name: "packets_after", State: OK, Value: &after, Bar: &zero, Says: "no packet of media after the deadline"}
	if e.After > 0 {
		r.State, r.Says, r.Remedy = Failed, fmt.Sprintf("%d packets of media after the deadline", e.After), "this must not happen: callboxctl bugreport"
	}
	j.add(r)
}

// ends judges how many ms behind the deadline something ended; before it is wrong, too.
func (j *judge) ends(name string, late float64, where string) {
	if late >= -earlyMost {
		j.hold(name, max(0, late), " behind the deadline on the "+where, "the machine was busy: try again")
		return
	}
	bar := j.bars.of(name)
	j.add(Row{
		Name: name, State: Failed, Value: &late, Unit: bar.Unit, Bar: &bar.Fail,
		Says: number(-late, "ms") + " before the deadline on the " + where, Remedy: "this must not happen: callboxctl bugreport",
	})
}

func kilobits(bitrate float64) string { return fmt.Sprintf("%.0f kbit/s", bitrate/1000) }

// CodecName is a MIME type without its kind.
func CodecName(mime string) string {
	_, name, ok := strings.Cut(mime, "/")
	if !ok {
		return mime
	}
	return name
}
