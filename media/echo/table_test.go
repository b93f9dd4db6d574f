package echo

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/hal/haltest"
	"callbox/media/options"
)

var (
	hard  = flag.Bool("echo.long", false, "TestTable: also harder rooms, and both engines without noise suppression")
	rooms = flag.Int("echo.rooms", 0, "TestTable: so many rooms more, drawn by -echo.seed")
	seed  = flag.Uint64("echo.seed", 1, "TestTable: of the rooms that are drawn")
	file  = flag.String("echo.json", "", "TestTable: writes the worst figures into this file, for the table of make bench")
)

// The bar for the default, in dB.
const (
	barLoss  = 30
	barSDR   = 6
	barLevel = 3 // that the person may lose
)

// scenarios are what the bar is for.
var scenarios = []scenario{
	{"60 ms, man/woman", "en", "us", room{60, -6, -70, 1}, 0},
	{"87 ms, man/recording", "en", human, room{87, -6, -70, 2}, 0},
	{"100 ms, woman/man", "us", "en", room{100, -6, -70, 3}, 0},
	{"130 ms, man/woman", "de", "fr", room{130, -6, -70, 4}, 0},
	{"160 ms, woman/man", "fr", "de", room{160, -6, -70, 5}, 0},
	{"200 ms, recording/man", human, "en", room{200, -6, -70, 6}, 0},
}

// harder go beyond the bar. Where the noise or the softness of the echo bounds the
// return loss, the name says by how much.
var harder = []scenario{
	{"echo as loud as played", "en", "us", room{90, 0, -70, 7}, 0},
	{"person 6 dB quieter", "de", "us", room{120, -6, -70, 8}, 6},
	{"noise, loss <= 24 dB", "us", "de", room{70, -6, -50, 9}, 0},
	{"soft echo, loss <= 30 dB", "fr", "en", room{140, -20, -70, 10}, 0},
	{"3 ms", "en", human, room{3, -6, -70, 11}, 0},
	{"400 ms", "us", "de", room{400, -6, -70, 12}, 0},
}

// drawn returns rooms that nobody has looked at while the canceller was tuned.
func drawn(n int) []scenario {
	random := rand.New(rand.NewPCG(*seed, 3))
	voices := []string{"en", "us", "de", "fr", human}
	var out []scenario
	for range n {
		random.Shuffle(len(voices), func(i, j int) { voices[i], voices[j] = voices[j], voices[i] })
		s := scenario{far: voices[0], near: voices[1], room: room{60 + random.IntN(141), -6, -70, random.Uint64()}}
		s.name = fmt.Sprintf("%d ms, %s/%s", s.room.delay, s.far, s.near)
		out = append(out, s)
	}
	return out
}

// TestTable prints what both engines reach, and holds the default to the bar:
//
//	go test -v -run TestTable ./media/echo [-echo.long] [-echo.rooms=20]
func TestTable(t *testing.T) {
	list := append(slices.Clone(scenarios), drawn(*rooms)...)
	inBar := len(list)
	if *hard {
		list = append(list, harder...)
	}
	if haltest.Slow {
		list, inBar = list[:1], 1 // make check runs all of them in a step of its own
	}
	configs := []Config{{Engine: options.EchoSpeex, NoiseSuppression: true}, {Engine: options.EchoWebRTC, NoiseSuppression: true}}
	if *hard {
		configs = append(configs, Config{Engine: options.EchoSpeex}, Config{Engine: options.EchoWebRTC})
	}
	tables := make([]table, len(configs))
	for _, s := range list {
		r := s.record(t)
		for i, config := range configs {
			c, err := New(config)
			if err != nil {
				t.Fatal(err)
			}
			tables[i] = append(tables[i], row{s.name, r.run(c)})
		}
	}
	worst := map[string]float64{}
	shipped, held := options.Default().Cleaning, 0
	for i, config := range configs {
		t.Logf("%s, noise suppression %v\n%s", config.Engine, config.NoiseSuppression, tables[i].format(inBar))
		for _, r := range tables[i] {
			if r.stats.Failed != 0 {
				t.Errorf("%s, %s: %d frames failed", config.Engine, r.name, r.stats.Failed)
			}
		}
		if config.Engine == shipped.Echo && config.NoiseSuppression == shipped.NoiseSuppression {
			tables[i][:inBar].wantBar(t)
			held += inBar
		}
		if config.NoiseSuppression {
			for _, r := range tables[i][:inBar] {
				least(worst, "echo."+string(config.Engine)+".loss", r.loss[0], r.loss[1], r.loss[2], r.long, r.after)
				least(worst, "echo."+string(config.Engine)+".sdr", r.sdr)
			}
		}
	}
	if held == 0 {
		t.Errorf("no row was held to the bar: the default, %+v, is none of %+v", shipped, configs)
	}
	if *file != "" {
		text, err := json.Marshal(map[string]any{"date": time.Now().UTC().Truncate(time.Second), "figures": worst})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(*file, append(text, '\n'), 0o644); err != nil { //nolint:gosec // for everyone
			t.Fatal(err)
		}
	}
}

// least keeps the smallest value of a name.
func least(list map[string]float64, name string, values ...float64) {
	for _, v := range values {
		if have, ok := list[name]; !ok || v < have {
			list[name] = v
		}
	}
}

type row struct {
	name string
	score
}

type table []row

func (list table) wantBar(t *testing.T) {
	t.Helper()
	for _, r := range list {
		for i, l := range r.loss {
			if l < barLoss {
				t.Errorf("%s: return loss of %.1f dB after %v s, want %v", r.name, l, lossFrom[i], barLoss)
			}
		}
		if r.long < barLoss || r.after < barLoss {
			t.Errorf("%s: return loss of %.1f dB from 5 to 15 s and %.1f dB after both talked, want %v", r.name, r.long, r.after, barLoss)
		}
		if r.sdr < barSDR || math.Abs(r.level) > barLevel {
			t.Errorf("%s: the person is heard with an SDR of %.1f dB at %.1f dB; want %v and at most %v less", r.name, r.sdr, r.level, barSDR, barLevel)
		}
	}
}

// format prints the rows, and the median and the worst of the first inBar.
func (list table) format(inBar int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-26s%7s%7s%7s%7s%8s%7s%9s%7s%7s%9s\n", "dB", "0-2 s", "2 s", "5 s", "15 s", "5-15 s", "after", "SDR in", "out", "level", "CPU us")
	line := func(name string, v []float64) {
		fmt.Fprintf(&b, "%-26s%7.1f%7.1f%7.1f%7.1f%8.1f%7.1f%9.1f%7.1f%7.1f%9.0f\n", name, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9])
	}
	var columns [10][]float64
	for i, r := range list {
		v := []float64{r.first, r.loss[0], r.loss[1], r.loss[2], r.long, r.after, r.sdrIn, r.sdr, r.level, float64(r.cpu.Microseconds())}
		line(r.name, v)
		for k := range v {
			if i < inBar {
				columns[k] = append(columns[k], v[k])
			}
		}
	}
	var median, worst []float64
	for k, c := range columns {
		slices.Sort(c)
		median = append(median, (c[len(c)/2]+c[(len(c)-1)/2])/2)
		if worst = append(worst, c[0]); k == len(columns)-1 {
			worst[k] = c[len(c)-1]
		}
	}
	line("median", median)
	line("worst", worst)
	return b.String()
}
