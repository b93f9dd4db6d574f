package playout

// Pull fills out, FrameSamples long, with the next 10 ms. It never blocks and
// never allocates; before the first packet it gives silence.
func (b *Buffer) Pull(out []int16) {
	if !b.started && !b.begin() {
		clear(out)
		return
	}
	b.bound()
	for b.to-b.from < FrameSamples {
		b.decodeNext()
	}
	if !b.shorten(out) {
		b.take(out, FrameSamples)
	}
}

// begin starts the sound once enough is there.
func (b *Buffer) begin() bool {
	f := b.first()
	if f == nil {
		return false
	}
	// The first packet waits for the wanted delay: what lies behind it tells how
	// long it has waited, and each pull that finds too little is 10 ms more.
	b.held += FrameSamples
	if waited := max(int64(b.held), b.newest()-f.ts); waited < b.jit.wanted() {
		return false
	}
	b.started, b.next, b.lastSeq, b.held = true, f.ts, f.seq-1, 0
	b.from, b.to = 0, 0
	return true
}

// bound cuts the delay to MaxDelay at once when a burst has made it longer.
func (b *Buffer) bound() {
	const most = int64(MaxDelay/1e6) * perMillisecond
	f := b.first()
	if f == nil || b.newest()-b.position() <= most+maxPacketSamples {
		return
	}
	target := b.newest() - b.jit.wanted()
	for f != nil && f.ts < target {
		b.stats.Lost++
		f.used = false
		b.lastSeq = max(b.lastSeq, f.seq)
		f = b.first()
	}
	b.next, b.held = target, 0
	if f != nil {
		b.next = f.ts
	}
	b.from, b.to = 0, 0
}

// decodeNext appends sound for the RTP time b.next: a packet, or what makes up
// for it.
func (b *Buffer) decodeNext() {
	if b.from > 0 {
		copy(b.pcm[:], b.pcm[b.from:b.to])
		b.from, b.to = 0, b.to-b.from
	}
	f := b.first()
	for f != nil && f.seq <= b.lastSeq {
		f.used = false // overtaken
		f = b.first()
	}
	switch {
	case f == nil:
		b.conceal()
	case f.ts <= b.next:
		b.play(f)
	case f.seq == b.lastSeq+1:
		// Nothing is lost: the sender was silent (DTX). The gap is where the delay
		// can be set right without being heard.
		b.pause(f)
	default:
		b.loss(f)
	}
}

// play decodes a packet whose time has come.
func (b *Buffer) play(f *slot) {
	f.used = false
	b.countLost(f.seq)
	b.lastSeq = f.seq
	if b.next-f.ts >= maxPacketSamples {
		b.stats.Lost++ // came far too late: not worth the time to decode it
		return
	}
	n, err := b.dec.Decode(f.data[:f.n], b.spare[:])
	if err != nil || n <= 0 {
		b.conceal()
		return
	}
	b.stats.Played++
	b.length = n
	b.silence = f.n <= 2 // RFC 7587, 3.1.3: DTX packets hold one or two bytes
	over := int(b.next - f.ts)
	b.held = 0
	if over >= n {
		return // its time has passed altogether; the decoder has seen it
	}
	b.append(b.spare[over:n])
}

// countLost counts what is missing between the last packet and this one.
func (b *Buffer) countLost(seq int64) {
	gap := max(seq-b.lastSeq-1, 0)
	b.stats.Lost += uint64(gap)
	b.jit.lost(gap)
}

// pause fills the gap before f, which follows without a loss.
func (b *Buffer) pause(f *slot) {
	if lack := b.debt; lack > 0 {
		b.makeUp(false)
		b.debt -= FrameSamples
		return
	}
	if b.jit.current > b.jit.wanted()+slack && f.ts-b.next >= FrameSamples {
		b.next += FrameSamples // 10 ms of silence less
		b.jit.current -= FrameSamples
		b.stats.Skipped++
	}
	if f.ts > b.next {
		b.makeUp(false)
		b.next = min(b.next+FrameSamples, f.ts)
	}
}

// loss makes up for packets that are missing before f.
func (b *Buffer) loss(f *slot) {
	if b.debt > 0 { // what is missing may still come
		b.conceal()
		return
	}
	gap := int(f.ts - b.next)
	const unit = 120 // 2.5 ms
	if gap <= b.length && gap%unit == 0 {
		// Only the packet before f is left to make up for: f can hold it.
		if n, err := b.dec.DecodeFEC(f.data[:f.n], b.spare[:gap]); err == nil && n == gap {
			b.stats.Corrected++
			b.append(b.spare[:n])
			b.countLost(f.seq)
			b.lastSeq = f.seq - 1
			return
		}
	}
	b.conceal()
}

// conceal makes 10 ms up. Time stands still meanwhile where the delay is too
// short: that is how it grows.
func (b *Buffer) conceal() {
	b.makeUp(!b.silence)
	b.held += FrameSamples
	if b.debt > 0 {
		b.debt -= FrameSamples
		return
	}
	b.next += FrameSamples
}

// makeUp appends 10 ms of the decoder's own, without moving b.next.
func (b *Buffer) makeUp(count bool) {
	if count {
		b.stats.Concealed++
	}
	n, err := b.dec.Conceal(b.spare[:FrameSamples])
	if err != nil || n != FrameSamples {
		clear(b.spare[:FrameSamples])
	}
	copy(b.pcm[b.to:], b.spare[:FrameSamples])
	b.to += FrameSamples
}

// append appends decoded sound and moves b.next.
func (b *Buffer) append(pcm []int16) {
	b.to += copy(b.pcm[b.to:], pcm)
	b.next += int64(len(pcm))
}

// take moves n samples into out.
func (b *Buffer) take(out []int16, n int) {
	copy(out, b.pcm[b.from:b.from+n])
	b.from += n
}

// shorten fills out with a frame that takes a little more sound than it gives,
// when the delay is longer than wanted: two pieces that are alike are faded into
// each other, so that a voice keeps its pitch.
func (b *Buffer) shorten(out []int16) bool {
	const shortest, longest = FrameSamples / 4, FrameSamples // 2.5 to 10 ms: 100 Hz and above
	if b.jit.current <= b.jit.wanted()+slack || b.to-b.from < FrameSamples+longest {
		return false
	}
	in := b.pcm[b.from:b.to]
	lag := alike(in[:FrameSamples+longest], shortest, longest)
	for i := range out {
		w := int32(i) * 256 / FrameSamples
		out[i] = int16((int32(in[i])*(256-w) + int32(in[i+lag])*w) >> 8)
	}
	b.from += FrameSamples + lag
	b.jit.current -= int64(lag)
	b.stats.Skipped++
	return true
}

// alike returns the lag at which pcm is most like itself. Every fourth sample is
// enough to find it.
func alike(pcm []int16, shortest, longest int) int {
	best, lag := float32(-2), longest
	for l := longest; l >= shortest; l -= 4 {
		var dot, energy float32
		for i := 0; i < FrameSamples; i += 4 {
			x, y := float32(pcm[i]), float32(pcm[i+l])
			dot += x * y
			energy += y * y
		}
		if energy == 0 {
			return longest // silence: cut as much as possible
		}
		if c := dot * abs(dot) / energy; c > best {
			best, lag = c, l
		}
	}
	return lag
}

func abs(x float32) float32 {
	if x < 0 {
		return -x
	}
	return x
}
