//go:build e2e && bench

package e2e

import (
	"testing"
	"time"

	"callbox/cmd/callboxd/e2e/bench"
	"callbox/daemon/control/client"
)

// benchFirst measures the idle daemon, the time from accept to the first picture, and a
// call, all as configured by default with the virtual devices.
func benchFirst(t *testing.T, set *bench.Set) {
	for _, preconnect := range []string{"network", "media"} {
		t.Run(preconnect, func(t *testing.T) {
			d := startMeasured(t, deviceOptions{
				tone: 440, width: 1280, height: 720, rate: 30,
				media: "  preconnect: " + preconnect, noDisplay: true, quiet: true, asUnit: true,
			})
			p := startPhone(t, phoneOptions{tone: 600, width: 1280, height: 800})
			if preconnect == "network" { // the default
				time.Sleep(5 * time.Second) // the start is not what idle costs
				before := usageOf(t, d.pid())
				time.Sleep(30 * time.Second)
				add(t, set, "idle.cpu", []float64{usageOf(t, d.pid()).since(before)}, nil)
				add(t, set, "idle.rss", []float64{footprintOf(t, d.pid()).rss}, nil)
			}
			p.open("about:blank")
			keepPeersFrom(t, p)
			p.pair(d, "Anna")
			p.ringAndAnswer(t, d) // the first after a boot reads the program's file from the disk
			p.hangUp(d)
			var first []float64
			for range *benchCalls {
				accepted := p.ringAndAnswer(t, d)
				first = append(first, p.firstPicture(accepted))
				p.hangUp(d)
			}
			add(t, set, "first."+preconnect+".p50", []float64{bench.Quantile(first, 0.5)}, nil)
			add(t, set, "first."+preconnect+".p95", []float64{bench.Quantile(first, 0.95)}, nil)
			t.Logf("accept to first picture, %s: %.0f ms", preconnect, first)
			if preconnect == "network" {
				p.ringAndAnswer(t, d)
				s := watchSending(t, p, d.pid())
				p.hangUp(d)
				if !s.whole {
					t.Fatal("the pictures did not have their full size: the machine is too busy")
				}
				add(t, set, "cpu.default", []float64{s.cpu}, nil)
				add(t, set, "rss.default", []float64{s.rss}, nil)
			}
		})
	}
}

// ringAndAnswer calls the device, lets it ring for a second, as when a person needs to
// walk to the door, and answers. It returns when, in seconds since 1970.
func (p *phone) ringAndAnswer(t *testing.T, d *device) float64 {
	t.Helper()
	p.home()
	p.click("call-video")
	d.waitState("ringing", 15*time.Second)
	time.Sleep(time.Second)
	p.watchVideo()
	accepted := float64(time.Now().UnixNano()) / 1e9
	if err := client.New(d.socket).Answer(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	d.waitState("talking", 10*time.Second)
	return accepted
}

func (p *phone) hangUp(d *device) {
	p.t.Helper()
	p.click("hang-up")
	d.waitState("idle", 10*time.Second)
}

// firstPicture returns how many milliseconds after a time, in seconds since 1970, the
// first picture of the other side was presented.
func (p *phone) firstPicture(since float64) float64 {
	p.t.Helper()
	var first float64
	eventually(p.t, 10*time.Second, "a picture is presented", func() bool {
		for _, s := range p.seen() {
			if s.At > since && s.Stamp > 0 {
				first = s.At
				return true
			}
		}
		return false
	})
	return (first - since) * 1e3
}

// benchLimit measures how exactly calls end at their limit while the machine has nothing
// else to do. The bar is held under load, by another test.
func benchLimit(t *testing.T, set *bench.Set) {
	const calls = 10
	d := startDevice(t, deviceOptions{tone: 440, call: "  max_duration: 2s", noDisplay: true, quiet: true, asUnit: true})
	p := startPhone(t, phoneOptions{tone: 600, width: 1280, height: 800})
	p.pair(d, "Anna")
	watch := d.watch()
	var late []float64
	for range calls {
		p.home()
		p.click("call-video")
		d.waitState("ringing", 15*time.Second)
		ctl[any](d, "answer")
		d.waitState("talking", 10*time.Second)
		call := d.status().Call
		end := watch.find("hangUpVoip", call.RoomID, 10*time.Second).Time
		late = append(late, 1e3*(bootTime(end)-call.Deadline))
		d.waitState("idle", 10*time.Second)
	}
	add(t, set, "limit.idle_ms", []float64{bench.Quantile(late, 1)}, nil)
	t.Logf("end after the limit: %.1f ms", late)
}

func add(t *testing.T, set *bench.Set, key string, own, peer []float64) {
	t.Helper()
	if err := set.Add(key, own, peer); err != nil {
		t.Fatal(err)
	}
}
