package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"callbox/daemon/call"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
)

const (
	// answerTimeout bounds making an SDP answer: pion needs some 10 ms on a PC, a
	// small board with a slow random source has been seen to need seconds.
	answerTimeout = 10 * time.Second
	// byeLinger lets the copy of bye on the data channel leave before the session
	// closes: a little over one retransmission on a bad link.
	byeLinger = 250 * time.Millisecond
)

func mediaContext() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), answerTimeout)
}

// openMedia makes the session in the background: certificates and SDP take some
// 10 ms. It waits for the last session, because a camera serves one.
func (l *loop) openMedia() {
	c := l.cur
	gen, n := c.gen, l.state.Leg
	kept := c.leg.remote // candidates that came before the session
	c.leg = &leg{n: n, remote: kept, minted: l.clock.Now()}
	cfg := media.SessionConfig{
		Room:  c.offer.Room.ID,
		Name:  c.offer.Contact.Name,
		Video: c.offer.RoomType == signaling.Video,
		Emit:  func(ev media.Event) { l.box.put(fromMedia{gen: gen, leg: n, event: ev}) },
	}
	before := l.away
	session, err := l.open(cfg)
	if err != nil {
		l.box.put(mediaOpened{gen: gen, leg: n, err: err})
		return
	}
	c.leg.session = session
	if !c.mic {
		session.SetMicrophone(false)
	}
	session.SetCamera(c.camera)
	prepare, offer := l.settings.preconnect == media.PreconnectMedia, c.offer.SDP
	l.async(func() {
		if before != nil {
			<-before
		}
		ctx, cancel := mediaContext()
		defer cancel()
		answer, err := session.Answer(ctx, offer)
		if err == nil && prepare {
			session.Prepare()
		}
		l.box.put(mediaOpened{gen: gen, leg: n, answer: answer, err: err})
	})
}

// mediaOpened takes the SDP answer; when the call has ended, closeMedia has put the
// session away already.
func (l *loop) mediaOpened(it mediaOpened) {
	if !l.runsNow(it.gen, it.leg) {
		return
	}
	if it.err != nil {
		l.cur.log.Warn().Err(it.err).Msg("cannot answer the phone's offer")
		failed := cause.JoinFailed
		if errors.Is(it.err, media.ErrBadOffer) {
			failed = cause.BadRequest
		}
		l.step(call.MediaFailed{Gen: it.gen, Leg: it.leg, Cause: failed})
		return
	}
	l.cur.leg.answer = it.answer
	l.flushRemote()
	l.step(call.MediaAnswered{Gen: it.gen, Leg: it.leg})
}

// dropMedia puts the session away while the call goes on with another phone.
func (l *loop) dropMedia() {
	l.putAway(l.cur.leg, func() {})
	l.cur.leg = &leg{n: noLeg}
}

// closeMedia puts the session of an ended call away in the background.
func (l *loop) closeMedia() {
	gen := l.cur.gen
	l.putAway(l.cur.leg, func() { l.box.put(mediaClosed{gen: gen}) })
}

// dropLeg lets go of the session of a call that is over, and of all that it holds.
func (l *loop) dropLeg(gen uint64) {
	if l.cur != nil && l.cur.gen == gen && l.state.Phase == call.Idle {
		l.cur.leg = &leg{n: noLeg}
	}
}

// putAway closes a leg's session, after those before it, and says so.
func (l *loop) putAway(g *leg, done func()) {
	if g.session == nil {
		done()
		return
	}
	log := l.cur.log
	before, away := l.away, make(chan struct{})
	l.away = away
	linger := make(chan struct{})
	if g.dataOpen {
		l.clock.AfterFunc(byeLinger, func() { close(linger) })
	} else {
		close(linger)
	}
	l.async(func() {
		defer close(away)
		<-linger
		if before != nil {
			<-before
		}
		if err := g.session.Close(); err != nil {
			log.Warn().Err(err).Msg("cannot close the media session")
		}
		done()
	})
}

// answerSent lets our candidates follow the SDP that they belong to.
func (l *loop) answerSent(sent bool) {
	l.cur.leg.answerSent = l.cur.leg.answerSent || sent
	l.flushLocal()
}

// flushLocal sends our candidates once the phone has the SDP they belong to.
func (l *loop) flushLocal() {
	g := l.cur.leg
	if !g.answerSent || !l.state.Phase.Active() || (len(g.local) == 0 && !g.localEnd) {
		return
	}
	candidates := make([][]byte, 0, len(g.local))
	for _, candidate := range g.local {
		raw, err := json.Marshal(candidate)
		if err != nil {
			l.keep(err, "cannot write a candidate")
			continue
		}
		candidates = append(candidates, raw)
	}
	l.signaling.Candidates(l.cur.room(), candidates, g.localEnd)
	g.local, g.localEnd = nil, false
}

// remoteCandidates hands the phone's candidates to the session, or keeps them
// until there is one.
func (l *loop) remoteCandidates(ev signaling.Candidates) {
	for _, raw := range ev.Candidates {
		var c media.Candidate
		if err := json.Unmarshal(raw, &c); err != nil {
			l.cur.log.Debug().Err(err).Msg("a candidate was skipped")
			continue
		}
		l.cur.leg.remote = append(l.cur.leg.remote, c)
	}
	l.flushRemote()
}

func (l *loop) flushRemote() {
	g := l.cur.leg
	if g.session == nil || len(g.remote) == 0 {
		return
	}
	candidates := g.remote
	g.remote = nil
	if err := g.session.AddCandidates(candidates); err != nil {
		l.cur.log.Debug().Err(err).Msg("candidates were not used")
	}
}

// restart lets the session make a new answer. A room that is not running gets
// told so: the phone may believe in a call that a crash has ended.
func (l *loop) restart(ev signaling.Restart) {
	if !l.isCurrent(ev.Room) || l.cur.leg.session == nil {
		l.signaling.Bye(ev.Room, cause.End{Cause: cause.Aborted, Detail: cause.UnknownRoom})
		return
	}
	gen, n, session := l.cur.gen, l.cur.leg.n, l.cur.leg.session
	l.cur.leg.minted = l.clock.Now() // Restart asks for fresh ones
	l.async(func() {
		ctx, cancel := mediaContext()
		defer cancel()
		answer, err := session.Restart(ctx, ev.Generation, ev.SDP)
		l.box.put(mediaRestarted{gen: gen, leg: n, generation: ev.Generation, answer: answer, err: err})
	})
}

func (l *loop) mediaRestarted(it mediaRestarted) {
	if !l.runsNow(it.gen, it.leg) {
		return
	}
	l.cur.leg.generation = it.generation
	if it.err != nil {
		l.cur.log.Warn().Err(it.err).Msg("ICE restart failed")
		l.signaling.RestartFailed(l.cur.room(), it.generation)
		if l.state.Phase == call.Reconnecting { // until its timer ends the call
			l.signaling.NeedRestart(l.cur.room(), it.generation+1)
		}
		return
	}
	l.signaling.Restarted(l.cur.room(), it.generation, it.answer)
}
