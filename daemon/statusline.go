package daemon

import (
	"fmt"
	"strings"

	"callbox/daemon/call"
	"callbox/hal"
	"callbox/hal/devices"
)

// statusLine says what the device is doing and what it has to do it with, for
// systemctl status:
//
//	talking with Anna; direct up (2 phones), mqtt down; camera Webcam 0, no microphone, speaker hw:0
func (l *loop) statusLine() string {
	line := string(call.Idle)
	if l.state.Phase.Active() {
		line = string(l.state.Phase) + " with " + l.cur.people()
	}
	if made := l.made(); made != "" {
		line += "; " + made
	}
	return line
}

// madeOf names the transports that are on, and the devices for picture and sound.
func (p *parts) madeOf() string {
	var ways, has []string
	for _, t := range p.transports() {
		switch {
		case t.Up && t.Phones > 0:
			ways = append(ways, fmt.Sprintf("%s up (%s)", t.Name, phones(t.Phones)))
		case t.Up:
			ways = append(ways, t.Name+" up")
		case !strings.HasPrefix(t.Detail, "off"):
			ways = append(ways, t.Name+" down")
		}
	}
	for _, d := range p.devices.Now() {
		switch d.Kind {
		case devices.Camera, devices.Microphone, devices.Speaker:
			if d.Chosen == hal.NameNone {
				has = append(has, "no "+string(d.Kind))
				break
			}
			name := string(d.Kind) + " " + d.Chosen
			switch {
			case d.Virtual:
				name += " (virtual)"
			case d.Missing:
				name += " (missing)"
			}
			has = append(has, name)
		case devices.Display, devices.Light, devices.Button:
		}
	}
	return strings.Join(ways, ", ") + "; " + strings.Join(has, ", ")
}

func phones(n int) string {
	if n == 1 {
		return "1 phone"
	}
	return fmt.Sprintf("%d phones", n)
}
