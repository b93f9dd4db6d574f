//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control/client"
)

// BenchmarkCall measures whole calls over loopback with a real browser on the same
// machine: 1280x720 at 30 pictures a second, 1.2 Mbit/s, default configuration
// otherwise. One operation is one call.
func BenchmarkCall(b *testing.B) {
	for _, preconnect := range []string{"network", "media"} {
		b.Run("preconnect="+preconnect, func(b *testing.B) { benchmarkCall(b, preconnect) })
	}
}

func benchmarkCall(b *testing.B, preconnect string) {
	d := startDevice(b, deviceOptions{
		tone: 440, width: 1280, height: 720, rate: 30,
		media: "  preconnect: " + preconnect, noDisplay: true, quiet: true,
	})
	time.Sleep(3 * time.Second) // the start is not what idle costs
	started := d.usage()
	time.Sleep(10 * time.Second)
	idleCPU, idleMemory := d.usage().since(started), d.residentMiB()

	p := startPhone(b, phoneOptions{tone: 600, width: 1280, height: 800})
	p.pair(d, "Anna")
	api := client.New(d.socket)
	var first, latency []float64
	var cpu, memory, rate float64
	for b.Loop() {
		p.home()
		p.click("call-video")
		d.waitState("ringing", 15*time.Second)
		time.Sleep(time.Second) // preconnected, as when a person needs to walk to the door
		p.watchVideo()
		accepted := float64(time.Now().UnixNano()) / 1e9
		if err := api.Answer(b.Context(), ""); err != nil {
			b.Fatal(err)
		}
		d.waitState("talking", 10*time.Second)
		time.Sleep(5 * time.Second)
		before := d.usage()
		time.Sleep(10 * time.Second)
		cpu, memory = d.usage().since(before), d.residentMiB()
		list := p.seen()
		for _, s := range list {
			if s.At > accepted && s.Stamp > 0 {
				first = append(first, (s.At-accepted)*1e3)
				break
			}
		}
		offset := bootOffset()
		for _, s := range list[len(list)/2:] {
			if s.Stamp > 0 {
				latency = append(latency, (s.At+offset-s.Stamp)*1e3)
			}
		}
		rate = float64(len(list)-1) / (list[len(list)-1].Got - list[0].Got)
		p.click("hang-up")
		d.waitState("idle", 10*time.Second)
	}
	b.ReportMetric(idleCPU, "idle-%CPU")
	b.ReportMetric(idleMemory, "idle-MiB")
	b.ReportMetric(quantile(first, 0.5), "first-p50-ms")
	b.ReportMetric(quantile(first, 0.95), "first-p95-ms")
	b.ReportMetric(quantile(latency, 0.5), "latency-p50-ms")
	b.ReportMetric(quantile(latency, 0.95), "latency-p95-ms")
	b.ReportMetric(cpu, "call-%CPU")
	b.ReportMetric(memory, "call-MiB")
	b.ReportMetric(rate, "pictures/s")
	b.ReportMetric(0, "ns/op") // the length of the calls says nothing
}

func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return -1
	}
	slices.Sort(values)
	return values[int(q*float64(len(values)-1))]
}

// usage is how much processor time the daemon has used until now.
type usage struct {
	at  time.Time
	cpu time.Duration
}

func (d *device) usage() usage {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.pid()))
	if err != nil {
		d.t.Fatal(err)
	}
	// After the name in brackets: state is the first field, utime the 12th.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	ticks := 0
	for _, f := range fields[11:13] {
		n, err := strconv.Atoi(f)
		if err != nil {
			d.t.Fatal(err)
		}
		ticks += n
	}
	return usage{at: time.Now(), cpu: time.Duration(ticks) * 10 * time.Millisecond} // USER_HZ is 100
}

// since returns the share of one core in percent.
func (u usage) since(before usage) float64 {
	return 100 * (u.cpu - before.cpu).Seconds() / u.at.Sub(before.at).Seconds()
}

func (d *device) residentMiB() float64 {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.pid()))
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err != nil {
				d.t.Fatal(err)
			}
			return kib / 1024
		}
	}
	d.t.Fatal("no VmRSS")
	return 0
}
