package button

import (
	"cmp"
	"slices"
	"time"

	"callbox/hal"
	"callbox/hal/clock"
)

// presser makes presses of the downs and ups of one key or line. Several buttons
// may share it, with different hold times: the longest counts as soon as it is
// reached, the others when the key comes up before.
type presser struct {
	buttons []hal.ButtonOptions // the longest hold first
	clock   clock.Clock
	post    func(func()) // runs it later, where all other methods run
	emit    func(hal.Press)

	down    bool
	since   time.Duration
	counted bool // this press led to a Press already
	due     bool // the longest hold was reached in doubt
	unsure  bool // it may be up already
	number  int  // of this press, so that an old timer does nothing
	stop    func() bool
}

func newPresser(buttons []hal.ButtonOptions, clk clock.Clock, post func(func()), emit func(hal.Press)) *presser {
	sorted := slices.Clone(buttons)
	slices.SortStableFunc(sorted, func(a, b hal.ButtonOptions) int { return cmp.Compare(b.Hold, a.Hold) })
	return &presser{buttons: sorted, clock: clk, post: post, emit: emit}
}

// press says that it went down, at a time that may have passed a while ago.
func (p *presser) press(at time.Duration) {
	p.unsure = false
	if p.down {
		if p.due {
			p.due = false
			p.count(p.buttons[0])
		}
		return
	}
	p.down, p.since, p.counted, p.due = true, at, false, false
	p.number++
	longest := p.buttons[0]
	if longest.Hold == 0 {
		p.count(longest)
		return
	}
	number := p.number
	p.stop = p.clock.AfterFunc(longest.Hold-(p.clock.Now()-at), func() {
		p.post(func() {
			switch {
			case !p.down || p.number != number:
			case p.unsure:
				p.due = true
			default:
				p.count(longest)
			}
		})
	})
}

// doubt says that it may be coming up: the next press or release tells.
func (p *presser) doubt() { p.unsure = true }

// release says that it came up.
func (p *presser) release(at time.Duration) {
	p.unsure = false
	if !p.down {
		return
	}
	p.abort()
	if p.counted {
		return
	}
	for _, b := range p.buttons {
		if at-p.since >= b.Hold {
			p.count(b)
			return
		}
	}
}

// abort forgets a press whose end nobody saw.
func (p *presser) abort() {
	p.down, p.due, p.unsure = false, false, false
	if p.stop != nil {
		p.stop()
		p.stop = nil
	}
}

func (p *presser) count(b hal.ButtonOptions) {
	p.counted = true
	p.emit(hal.Press{Button: b.Name, Action: b.Action, Call: b.Call, Held: b.Hold > 0, At: p.since})
}
