package daemon

import (
	"callbox/daemon/call"
	"callbox/signaling"
)

// sendInfo tells the phone what the device sends and plays. Before the talk it
// would be ignored.
func (l *loop) sendInfo() {
	c := l.cur
	if l.state.Phase != call.Talking {
		return
	}
	frame, err := signaling.InfoFrame(c.mic, c.camera, true, goodQuality)
	l.keep(err, "cannot write the device's info")
	l.sendFrame(frame)
}

// goodQuality is what the device says of the link as long as media flows: 0 is
// unusable, 4 is good.
const goodQuality = 4
