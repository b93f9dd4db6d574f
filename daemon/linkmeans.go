package daemon

import (
	"math"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/media"
)

// linkMeans is how well the media of a talk flowed, from a look each second. Its zero
// value is ready.
type linkMeans struct {
	looks, measured int        // the latter with a round trip
	sum             store.Link // of the looks; worst values are worst already

	at, used time.Duration // of the last look: the boot clock, and the daemon's processor time
	cpu      float64       // cores between the last two looks
}

// look adds what a talk is like now. used is the processor time of the daemon so far.
func (m *linkMeans) look(s media.Stats, now, used time.Duration) {
	if m.at > 0 && now > m.at {
		m.cpu = (used - m.used).Seconds() / (now - m.at).Seconds()
	}
	m.at, m.used = now, used
	m.looks++
	m.sum.SendBitrate += float64(s.BitrateUp)
	m.sum.ReceiveBitrate += float64(s.BitrateDown)
	m.sum.SendLoss += s.LossUp
	m.sum.ReceiveLoss += s.LossDown
	m.sum.SendLossWorst = max(m.sum.SendLossWorst, s.LossUp)
	m.sum.ReceiveLossWorst = max(m.sum.ReceiveLossWorst, s.LossDown)
	if s.RTTMilliseconds > 0 {
		m.measured++
		m.sum.RTTMilliseconds += s.RTTMilliseconds
		m.sum.RTTMillisecondsWorst = max(m.sum.RTTMillisecondsWorst, s.RTTMilliseconds)
	}
	m.sum.SendJitterMilliseconds += s.JitterUp
	m.sum.ReceiveJitterMilliseconds += s.JitterDown
	m.sum.CPU += m.cpu
	m.counted(s)
}

// counted notes what is counted from the talk's beginning, and what was chosen last.
func (m *linkMeans) counted(s media.Stats) {
	now := linkNow(s, 0)
	m.sum.FramesSent, m.sum.FramesSkipped, m.sum.FramesShown = now.FramesSent, now.FramesSkipped, now.FramesShown
	m.sum.Freezes, m.sum.ConcealedSeconds = now.Freezes, now.ConcealedSeconds
	m.sum.SendCodec, m.sum.ReceiveCodec = now.SendCodec, now.ReceiveCodec
	if now.LocalCandidate != "" {
		m.sum.LocalCandidate, m.sum.RemoteCandidate = now.LocalCandidate, now.RemoteCandidate
	}
}

// link is what a record keeps of it, in as many digits as it was measured with; nil
// when there was no look.
func (m *linkMeans) link() *store.Link {
	if m.looks == 0 {
		return nil
	}
	out := m.sum
	n := float64(m.looks)
	for _, mean := range []*float64{
		&out.SendBitrate, &out.ReceiveBitrate, &out.SendLoss, &out.ReceiveLoss,
		&out.SendJitterMilliseconds, &out.ReceiveJitterMilliseconds, &out.CPU,
	} {
		*mean /= n
	}
	out.RTTMilliseconds /= float64(max(m.measured, 1))
	for value, unit := range map[*float64]float64{
		&out.SendBitrate: 1, &out.ReceiveBitrate: 1, &out.CPU: 1e-3,
		&out.SendLoss: 1e-4, &out.ReceiveLoss: 1e-4, &out.SendLossWorst: 1e-4, &out.ReceiveLossWorst: 1e-4,
		&out.RTTMilliseconds: 0.1, &out.RTTMillisecondsWorst: 0.1, &out.SendJitterMilliseconds: 0.1, &out.ReceiveJitterMilliseconds: 0.1,
	} {
		*value = math.Round(*value/unit) / math.Round(1/unit)
	}
	return &out
}

// linkNow is how well media flows now.
func linkNow(s media.Stats, cpu float64) *control.Link {
	return &control.Link{
		SendBitrate: float64(s.BitrateUp), ReceiveBitrate: float64(s.BitrateDown),
		SendLoss: s.LossUp, ReceiveLoss: s.LossDown, RTTMilliseconds: s.RTTMilliseconds,
		SendJitterMilliseconds: s.JitterUp, ReceiveJitterMilliseconds: s.JitterDown, FrameRate: s.VideoFrameRate,
		FramesSent: s.VideoFramesSent, FramesSkipped: s.CameraFramesBad + s.CameraFramesLate, FramesShown: s.VideoFramesDecoded, Freezes: s.VideoFreezes,
		ConcealedSeconds: concealed(s),
		SendCodec:        s.VideoCodec, ReceiveCodec: s.VideoReceivedCodec,
		LocalCandidate: kindOf(s.LocalCandidate), RemoteCandidate: kindOf(s.RemoteCandidate), CPU: cpu,
	}
}

// concealed is how much sound was made up, in seconds.
func concealed(s media.Stats) float64 {
	const frame = 10 * time.Millisecond // the unit of AudioConcealed
	return (time.Duration(s.AudioConcealed) * frame).Seconds()
}

// lookAtLink is done each second of the talk.
func (l *loop) lookAtLink() {
	if session := l.cur.leg.session; session != nil {
		l.cur.quality.look(session.Stats(), l.clock.Now(), control.ProcessorTime())
	}
}

// talkLink is what the record of the ended call keeps of its media.
func (l *loop) talkLink() *store.Link {
	if session := l.cur.leg.session; session != nil {
		l.cur.quality.counted(session.Stats())
	}
	return l.cur.quality.link()
}
