package daemon

import (
	"time"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/hal/devices"
	"callbox/media"
	"callbox/signaling"
)

// infoPause is the least time between two infos (docs/protocol.md: one a second).
const infoPause = time.Second

// info is what the device tells the phone of itself in a talk.
type info struct {
	mic, camera, speaker bool
	quality              int
	view                 string // what the camera is called, by its label
}

// device is one that a call may lose: its kind, as in the events, and its name.
type device struct{ kind, name string }

// lacks says that a device of a kind is gone of which a call has one. Of cameras it may have
// several.
func (c *current) lacks(kind string) bool {
	for d := range c.gone {
		if d.kind == kind {
			return true
		}
	}
	return false
}

// lacksHalf says that the running call has no microphone, or no speaker: it has lost that
// half of its sound, or all of it, or what is configured is not there.
func (l *loop) lacksHalf(kind devices.Kind) bool {
	return l.cur.lacks("sound") || l.cur.lacks(string(kind)) || l.missing(kind)
}

// sendInfo tells the phone what the device sends and plays, when that has changed;
// what changes within a second of the last time follows then. Before the talk it
// would be ignored.
func (l *loop) sendInfo() {
	c := l.cur
	if l.state.Phase != call.Talking || !c.leg.dataOpen {
		return
	}
	now := info{
		mic:     c.mic && l.has.microphone && !l.lacksHalf(devices.Microphone),
		camera:  c.camera && l.has.camera && !c.gone[device{"camera", c.leg.session.CameraDevice()}] && !c.lacks("light"),
		speaker: l.has.speaker && !l.lacksHalf(devices.Speaker),
		quality: quality(c.leg.session.Stats()),
	}
	if now.camera {
		now.view = c.leg.session.View()
	}
	if c.leg.told == now {
		return
	}
	if wait := c.leg.toldAt + infoPause - l.clock.Now(); c.leg.toldAt > 0 && wait > 0 {
		return // the next tick comes within that time
	}
	frame, err := signaling.InfoFrame(now.mic, now.camera, now.speaker, now.quality, now.view)
	l.keep(err, "cannot write the device's info")
	c.leg.told, c.leg.toldAt = now, l.clock.Now()
	l.sendFrame(frame)
}

// The bounds of quality: what people notice of loss and delay (ITU-T G.1070 puts
// one-way delay above 400 ms beyond use for talk; round trips here are twice that).
const (
	fairRTT, poorRTT   = 300.0, 800.0 // ms
	fairLoss, poorLoss = 0.03, 0.10
)

// quality says how well the device hears and is heard: 0 is unusable, 4 good.
func quality(s media.Stats) int {
	loss := max(s.LossUp, s.LossDown)
	q := 4
	for _, bad := range []bool{s.RTTMilliseconds > fairRTT, s.RTTMilliseconds > poorRTT, loss > fairLoss, loss > poorLoss} {
		if bad {
			q--
		}
	}
	return max(q, 0)
}

// peerInfo is what the phone has told of itself.
func peerInfo(p *signaling.PhoneInfo) *control.PeerInfo {
	if p == nil {
		return nil
	}
	return &control.PeerInfo{Mic: p.Mic, Camera: p.Camera, Speaker: p.Speaker, Quality: p.Quality}
}
