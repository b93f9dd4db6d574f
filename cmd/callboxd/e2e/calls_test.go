//go:build e2e

package e2e

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"time"
)

// The script: two households at the same time, each with six rounds of 42 calls: 504
// calls.
const (
	households   = 2
	callRounds   = 6
	callsInRound = 42
)

// An ended call is remembered for two minutes, because its phone may say something
// again (docs/protocol.md, "Delivery"). A round begins every 30 s, so that as many
// calls are remembered after each round from the fourth on. By then the daemon also
// keeps as many records, and as many past events for its API, as it ever will: it is
// warm.
const (
	roundPause  = 30 * time.Second
	warmRounds  = 4
	recordsKept = 100
)

// mostRounds is how many rounds may be begun on a machine that is so busy that some
// take longer than roundPause.
const mostRounds = 3 * callRounds

var callSeed = flag.Uint64("calls.seed", 0, "order of the calls of TestCalls; 0: any")

// TestCalls plays calls of every kind, through the local API and the phone in Go.
// Each has one record and one final event with the right cause at both ends, and
// leaves nothing behind in the daemon. At the same time another daemon is killed in
// its calls.
func TestCalls(t *testing.T) {
	seed := *callSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("the order of the calls comes from -calls.seed %d", seed)
	goroutines, files := runtime.NumGoroutine(), openFiles(t, "self")
	var running sync.WaitGroup
	for i := range uint64(households) {
		running.Go(func() {
			t.Run(fmt.Sprintf("household %d", i+1), func(t *testing.T) { playRounds(t, seed+i) })
		})
	}
	running.Go(func() {
		t.Run("killed", func(t *testing.T) { killInCalls(t, seed) })
	})
	running.Wait()
	// The other end: the phones are closed.
	eventually(t, soon, "the phones have left nothing behind", func() bool {
		return runtime.NumGoroutine() <= goroutines && openFiles(t, "self") <= files
	})
}

func householdOptions() deviceOptions {
	return deviceOptions{
		tone: 440, width: 160, height: 120, rate: 10, noDisplay: true,
		ring: householdRing.String(), call: householdTimes, extra: fmt.Sprintf("records: {keep: %d}\npolicy: {attempts_an_hour: 1000}", recordsKept), // they call all day
	}
}

// playRounds plays the rounds of one household, and wants the daemon to use after the
// last as much as it did when it was warm.
func playRounds(t *testing.T, seed uint64) {
	h := openHousehold(t, seed, householdOptions(), "Anna", "Ben", "Carl", "Dora")
	var list []figures
	begin := time.Now()
	for played := 1; len(list) < callRounds; played++ {
		time.Sleep(time.Until(begin))
		h.playRound()
		begin = begin.Add(roundPause)
		rest := time.Until(begin.Add(-readingTime - time.Second))
		switch {
		case rest >= 0:
			time.Sleep(rest)
			list = append(list, h.figures())
		case played < mostRounds: // the figures would be those of fewer calls
			t.Logf("a round has taken %v too long: the rounds are counted anew", -rest)
			list, begin = nil, time.Now().Add(readingTime+2*time.Second)
		default:
			t.Fatalf("the machine is too slow for these calls: %d of %d rounds were in time", len(list), played)
		}
	}
	for _, f := range list[warmRounds:] {
		f.compare(t, list[warmRounds-1])
	}
	most, worst := h.checkTalks()
	h.closeBooks()
	t.Logf("%d calls; of 100 talks 95 were off by %v at most, the worst by %v\n%s", len(h.books), most, worst, table(list))
}

// playRound plays each kind of call as often as it says, in any order.
func (h *household) playRound() {
	h.t.Helper()
	type card struct {
		name  string
		video bool
		play  func(h *household)
	}
	var deck []card
	for _, k := range kinds() {
		for i := range k.times {
			deck = append(deck, card{k.name, i < k.video, k.play})
		}
	}
	h.random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	before, begin := len(h.books), time.Now()
	for _, c := range append(deck, card{name: "the last of the round", play: (*household).lastOfRound}) {
		h.video = c.video
		c.play(h)
		if h.t.Failed() {
			h.t.Fatalf("call %d was the first that went wrong: %s", len(h.books), c.name)
		}
	}
	if n := len(h.books) - before; n != callsInRound {
		h.t.Fatalf("a round had %d calls, want %d", n, callsInRound)
	}
	h.t.Logf("%d calls took %v, %d events so far", callsInRound, time.Since(begin).Round(time.Millisecond), h.stream.count())
}
