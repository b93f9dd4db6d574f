package main

import (
	"fmt"
	"strings"
	"time"

	"callbox/daemon/control"
)

// view is what the live view shows. render makes lines of it and does nothing else.
type view struct {
	status control.Status
	known  bool   // status has come
	away   string // why the daemon does not answer; "" when it does
	now    time.Time
	events []string // the newest last
}

const keptLines = 100 // events of a view

// add takes an event into the list.
func (v *view) add(ev control.Event) {
	if ev.Name == control.EventCalling || ev.Name == control.EventStatus {
		return // the view shows these anyway
	}
	v.events = append(v.events, eventLine(ev))
	if over := len(v.events) - keptLines; over > 0 {
		v.events = v.events[over:]
	}
}

// addWaiting takes what is there already, so that a burst is drawn once.
func (v *view) addWaiting(events <-chan control.Event) {
	for {
		select {
		case ev := <-events:
			v.add(ev)
		default:
			return
		}
	}
}

// render returns at most height lines, each at most width columns wide.
func (v *view) render(width, height int) []string {
	lines := v.head(width)
	switch {
	case v.away != "":
		lines = append(lines, paint(red, v.away), paint(dim, "waiting for it"))
		if !v.known { // it was never there: perhaps the wrong one is asked
			lines = append(lines, paint(dim, anotherSocket))
		}
	case !v.known:
		lines = append(lines, paint(dim, "asking callboxd"))
	default:
		lines = append(lines, v.call()...)
	}
	lines = append(lines, "", paint(bold, "Events"))
	end := "Ctrl-C ends the view."
	if v.status.Call != nil {
		end = "Ctrl-C ends the view; the call goes on."
	}
	foot := []string{paint(dim, end)}
	room := max(0, height-len(lines)-len(foot))
	shown := v.events[max(0, len(v.events)-room):]
	if len(v.events) == 0 && room > 0 {
		shown = []string{paint(dim, "none yet")}
	}
	lines = append(append(lines, shown...), foot...)
	if len(lines) > height {
		lines = lines[:max(0, height)]
	}
	for i := range lines {
		lines[i] = clip(lines[i], width)
	}
	return lines
}

// head is the name on the left and the time on the right.
func (v *view) head(width int) []string {
	name := "callbox"
	if v.known {
		name = fmt.Sprintf("%s (%s)", oneLine(v.status.Name), v.status.Address)
	}
	clock := v.now.Format(time.TimeOnly)
	name = clip(name, max(1, width-len(clock)-2))
	return []string{pad(paint(bold, name), width-len(clock)) + clock, ""}
}

// call is the state and, when there is one, the call.
func (v *view) call() []string {
	c := v.status.Call
	lines := []string{row("State", stateText(v.status.State))}
	if v.status.DND.On {
		lines = append(lines, row("Disturb", paint(yellow, "do not disturb is "+dndText(v.status.DND))))
	}
	if c == nil {
		return append(lines, row("Phones", fmt.Sprintf("%s connected, %s", count(phones(v.status), "phone"), count(v.status.Contacts, "contact"))))
	}
	who := oneLine(c.Contact)
	if c.State == "dialing" {
		who = oneLine(strings.Join(c.Dialing, ", "))
	}
	way := map[string]string{control.In: "calls the device", control.Out: "is called"}[c.Direction]
	lines = append(lines, row("Contact", strings.TrimRight(fmt.Sprintf("%s  %s, %s", paint(bold, who), c.RoomType, way), ", ")), row("Time", timesText(c, v.now)))
	if c.Link != nil {
		lines = append(lines,
			row("Up", wayRow(c.Link.SendBitrate, c.Link.SendLoss, c.Link.SendJitterMilliseconds, sentText(c.Link))),
			row("Down", wayRow(c.Link.ReceiveBitrate, c.Link.ReceiveLoss, c.Link.ReceiveJitterMilliseconds, receivedText(c.Link))),
			row("Round trip", pad(roundTrip(c.Link.RTTMilliseconds), 15)+wayText(c.Link)),
			row("Processor", processorText(c.Link)))
	}
	if c.State != "ringing" && c.State != "dialing" { // until then nothing is sent
		lines = append(lines, row("Sending", sendingText(c)))
	}
	if p := c.Peer; p != nil {
		lines = append(lines, row("Phone", fmt.Sprintf("microphone %s, camera %s, speaker %s, quality %d of 4", onOff(p.Mic), onOff(p.Camera), onOff(p.Speaker), p.Quality)))
	}
	return append(lines, row("Room", c.RoomID))
}

func row(name, text string) string { return paint(dim, pad(name, 12)) + text }

// wayRow is what one direction is like, in columns.
func wayRow(bits, loss, jitter float64, more string) string {
	return strings.TrimRight(pad(bitrate(bits), 15)+pad("loss "+lossText(loss), 13)+pad("jitter "+milliseconds(jitter), 15)+more, " ")
}

// timesText is how long it has rung, or the talk and what is left of it. The last
// 30 s are red.
func timesText(c *control.Call, now time.Time) string {
	switch {
	case c.State == "ringing" || c.State == "dialing":
		return "rings for " + clockText(max(0, int(now.Sub(c.Since).Seconds())))
	case c.LimitSeconds == 0:
		return clockText(c.TalkSeconds) + ", no limit"
	}
	left := clockText(int(c.RemainingSeconds)) + " left"
	if c.RemainingSeconds <= 30 {
		left = paint(red, left)
	}
	return fmt.Sprintf("%s, %s of %s", clockText(c.TalkSeconds), left, clockText(int(c.LimitSeconds)))
}

func lossText(share float64) string {
	text := percent(share)
	switch {
	case share >= 0.1:
		return paint(red, text)
	case share >= 0.02:
		return paint(yellow, text)
	}
	return text
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func phones(s control.Status) int {
	n := 0
	for _, t := range s.Transports {
		n += t.Phones
	}
	return n
}
