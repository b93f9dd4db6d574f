package control

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// metricsType is the text format of Prometheus, version 0.0.4
// (prometheus.io/docs/instrumenting/exposition_formats).
const metricsType = "text/plain; version=0.0.4; charset=utf-8"

func (s *Server) metrics(ctx context.Context) ([]byte, error) {
	list, err := s.backend.Metrics(ctx)
	if err != nil {
		return nil, err
	}
	return writeMetrics(append(list, s.process()...)), nil
}

// process are the numbers of this process and of the API.
func (s *Server) process() []Metric {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	v := s.backend.Version()
	one := func(v float64) []Sample { return []Sample{{Value: v}} }
	return []Metric{
		{"callbox_build_info", "The software that runs; the value is always 1.", false,
			[]Sample{{[][2]string{{"version", v.Version}, {"go", v.Go}, {"platform", v.Platform}}, 1}}},
		{"callbox_cpu_seconds_total", "Processor time of the daemon, of all cores together, in seconds.", true, one(ProcessorTime().Seconds())},
		{"callbox_goroutines", "Goroutines of the daemon.", false, one(float64(runtime.NumGoroutine()))},
		{"callbox_heap_bytes", "Bytes of the Go heap that are in use.", false, one(float64(m.HeapAlloc))},
		{"callbox_control_connections", "Programs that are connected to the control socket.", false, one(float64(s.sockets.open.Load()))},
		{"callbox_control_watchers", "Programs that watch the events.", false, one(float64(s.events.Subscribers()))},
		{"callbox_events_total", "Events since the start.", true, one(float64(s.events.Seq()))},
	}
}

// ProcessorTime is what this process has used, in user mode and in the kernel
// (getrusage(2)).
func ProcessorTime() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil { // only fails for arguments that are not ours
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// writeMetrics writes one family after the other.
func writeMetrics(list []Metric) []byte {
	var b bytes.Buffer
	for _, m := range list {
		kind := "gauge"
		if m.Counter {
			kind = "counter"
		}
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", m.Name, helpEscape.Replace(m.Help), m.Name, kind)
		for _, s := range m.Samples {
			b.WriteString(m.Name)
			labels := make([]string, len(s.Labels))
			for i, l := range s.Labels {
				labels[i] = fmt.Sprintf(`%s="%s"`, l[0], labelEscape.Replace(strings.ToValidUTF8(l[1], "\uFFFD")))
			}
			if len(labels) > 0 {
				b.WriteString("{" + strings.Join(labels, ",") + "}")
			}
			b.WriteString(" " + number(s.Value) + "\n")
		}
	}
	return b.Bytes()
}

var (
	helpEscape  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
	labelEscape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
)

// number writes a float as Go does, and the rest as the format wants it.
func number(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "+Inf"
	case math.IsInf(v, -1):
		return "-Inf"
	case math.IsNaN(v):
		return "NaN"
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}
