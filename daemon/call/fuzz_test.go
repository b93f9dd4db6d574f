package call

import (
	"flag"
	"math/rand/v2"
	"testing"
)

// seeds are calls that are known to reach every phase; the bytes are those of
// (*judge).event, two an event.
var seeds = map[string][]byte{
	"a call that ends at its limit":          {0, 0x44, 18, 0, 9, 0, 20, 0, 30, 0, 31, 0, 29, 0, 34, 0},
	"lost, back, busy, bye":                  {0, 0x40, 18, 0, 9, 0, 20, 0, 22, 0, 23, 0, 0, 1, 15, 0, 34, 0},
	"lost for good":                          {0, 0x44, 18, 0, 9, 0, 20, 0, 22, 0, 28, 0, 34, 0},
	"declined, and another at once":          {0, 0, 11, 0, 0, 1, 34, 0, 9, 0},
	"answered by itself":                     {0, 0xc0, 18, 0, 10, 0x20, 20, 0, 12, 0, 34, 0},
	"not announced, answered by a person":    {0, 0xc0, 10, 0, 9, 0, 18, 0, 20, 0, 33, 0},
	"the device calls one, who answers":      {3, 4, 6, 0, 1, 0, 18, 0, 20, 0, 31, 0, 12, 0, 34, 0},
	"three at once, the first cannot join":   {4, 4, 1, 0, 1, 1, 24, 0, 18, 0, 20, 0, 29, 0, 34, 0},
	"three in turn, nobody answers":          {4, 0x24, 26, 0, 26, 0, 26, 0, 34, 0},
	"the device calls who calls it (glare)":  {3, 0, 0, 0, 18, 0, 20, 0, 15, 0, 34, 0},
	"shutdown while dialing, and an old end": {4, 0, 33, 0, 34, 0x30, 34, 0, 0, 0x40},
}

// FuzzStep plays events of present and past calls. Its oracle is the judge.
func FuzzStep(f *testing.F) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, input []byte) { play(newJudge(t), input) })
}

func play(j *judge, input []byte) {
	for i := 0; i+1 < len(input); i += 2 {
		j.step(j.event(input[i], input[i+1], i))
	}
	j.step(Shutdown{})
	if j.state.Phase.Active() {
		j.t.Fatalf("a call outlived the shutdown: %+v", j.state)
	}
}

// TestSeedsReachEverything: the seeds are worth something only as long as they
// still walk where their names say.
func TestSeedsReachEverything(t *testing.T) {
	visited := map[Phase]bool{}
	for name, seed := range seeds {
		t.Run(name, func(t *testing.T) {
			j := newJudge(t)
			play(j, seed)
			for phase := range j.visited {
				visited[phase] = true
			}
		})
	}
	for _, phase := range []Phase{Idle, Ringing, Dialing, Connecting, Talking, Reconnecting, Ended} {
		if !visited[phase] {
			t.Errorf("no seed reaches %s", phase)
		}
	}
}

var propertyEvents = flag.Int("call.events", 200_000, "how many random events TestInvariants plays")

// helpful are the events, by their place in (*judge).event, that take a call on
// from a phase: without them hardly any random call would reach a talk.
var helpful = map[Phase][]byte{
	Idle:         {0, 3, 4},
	Ringing:      {9, 10, 18},
	Dialing:      {1, 6, 0},
	Connecting:   {18, 20, 1},
	Talking:      {22, 30, 31},
	Reconnecting: {23, 31, 30},
	Ended:        {34, 0, 4},
}

// TestInvariants plays random calls of up to 200 events. make test-long plays ten
// times as many.
func TestInvariants(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)
	visits, ended, n := map[Phase]int{}, uint64(0), 0
	for n < *propertyEvents {
		j := newJudge(t)
		length := 1 + random.IntN(200)
		for i := range length {
			choice, b := byte(random.Uint32()), byte(random.Uint32())
			if random.IntN(2) == 0 {
				choices := helpful[j.state.Phase]
				choice = choices[random.IntN(len(choices))]
			}
			if random.IntN(4) != 0 {
				b &^= 0x10 // old calls and sessions are rare in life
			}
			j.step(j.event(choice, b, i))
			visits[j.state.Phase]++
		}
		play(j, nil)
		ended += j.ended
		n += length
	}
	t.Logf("%d events, %d calls ended, events that led to each phase: %v", n, ended, visits)
	for phase := range helpful {
		if visits[phase] < *propertyEvents/200 {
			t.Errorf("only %d events led to %s: the generator is worth little", visits[phase], phase)
		}
	}
}
