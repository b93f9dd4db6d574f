package rate

import "time"

// losses tells loss that sending less avoids from loss that is just there.
type losses struct {
	sent, lost int
	from       time.Duration // when the first packet of the window was sent
	last       float64       // of the last whole window
	high       int           // windows in a row with an excess
	inherent   float64       // loss that a cut did not help against
	atCut      float64
	judging    int // windows left until the cut is judged; 0: none is
}

const (
	lossWindow  = 500 * time.Millisecond
	lossPackets = 20   // that a window needs
	lossExcess  = 0.05 // over the inherent loss; less is left to retransmission
	lossHigh    = 2    // windows in a row
	judgeAfter  = 2    // windows, the first has packets from before the cut
	// Where more than this is lost, sending less is right whatever the reason.
	inherentMost = 0.3
	noHelp       = 0.6 // of the loss that is left after a cut that did not help
)

func (l *losses) add(p Packet) {
	if l.sent == 0 || p.Sent < l.from {
		l.from = p.Sent
	}
	l.sent++
	if p.Lost {
		l.lost++
	}
	if l.sent < lossPackets || p.Sent-l.from < lossWindow {
		return
	}
	l.last = float64(l.lost) / float64(l.sent)
	l.sent, l.lost = 0, 0
	l.window()
}

func (l *losses) window() {
	if l.last < l.inherent {
		l.inherent += (l.last - l.inherent) / 8
	}
	if l.judging > 0 {
		l.judging--
		if l.judging == 0 && l.last > noHelp*l.atCut {
			l.inherent = min(max(l.inherent, l.last), inherentMost)
		}
	}
	if l.excess() > lossExcess {
		l.high++
	} else {
		l.high = 0
	}
}

func (l *losses) ratio() float64  { return l.last }
func (l *losses) excess() float64 { return l.last - l.inherent }

// excessive says that less must be sent, as far as is known.
func (l *losses) excessive() bool { return l.judging == 0 && l.high >= lossHigh }

// cut says that less is sent for it, and has to be judged.
func (l *losses) cut() { l.atCut, l.judging, l.high = l.last, judgeAfter, 0 }
