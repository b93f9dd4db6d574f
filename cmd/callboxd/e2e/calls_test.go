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

// The script: three households at the same time, each with six rounds of 28 calls:
// 504 calls.
const (
	households   = 3
	callRounds   = 6
	callsInRound = 28
)

// An ended call is remembered for two minutes, because its phone may say something
// again (docs/protocol.md, "Delivery"). A round is begun every 30 s, so that as many
// calls are remembered after each round from the fourth on. By then the daemon also
// keeps as many records and past events as it ever will: it is warm.
const (
	roundPause  = 30 * time.Second
	warmRounds  = 4
	recordsKept = 100
)

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
		ring: householdRing.String(), call: householdTimes, extra: fmt.Sprintf("records: {keep: %d}", recordsKept),
	}
}

func playRounds(t *testing.T, seed uint64) {
	h := openHousehold(t, seed, householdOptions(), "Anna", "Ben", "Carl", "Dora")
	var list []figures
	defer func() { t.Logf("\n%s", table(list)) }()
	for begin := time.Now(); len(list) < callRounds; begin = begin.Add(roundPause) {
		time.Sleep(time.Until(begin))
		h.playRound()
		rest := time.Until(begin.Add(roundPause - readingTime - time.Second))
		if rest < 0 {
			t.Fatalf("the machine is too slow for these calls: a round has taken %v", time.Since(begin))
		}
		time.Sleep(rest)
		list = append(list, h.figures())
	}
	for _, f := range list[warmRounds:] {
		f.compare(t, list[warmRounds-1])
	}
	h.closeBooks()
}

// playRound plays each kind of call as often as it says, in any order.
func (h *household) playRound() {
	h.t.Helper()
	var deck []kind
	for _, k := range kinds() {
		for range k.times {
			deck = append(deck, k)
		}
	}
	h.random.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	before, begin := len(h.books), time.Now()
	for _, k := range deck {
		k.play(h)
		if h.t.Failed() {
			h.t.Fatalf("call %d was the first that went wrong: %s", len(h.books), k.name)
		}
	}
	if n := len(h.books) - before; n != callsInRound {
		h.t.Fatalf("a round had %d calls, want %d", n, callsInRound)
	}
	h.t.Logf("%d calls took %v", callsInRound, time.Since(begin).Round(time.Millisecond))
}
