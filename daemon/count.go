package daemon

import (
	"context"
	"maps"
	"slices"
	"time"

	"callbox/daemon/control"
	"callbox/daemon/store"
	"callbox/signaling/cause"
)

// counted is what the loop counts since the start, for the metrics.
type counted struct {
	calls map[countKey]uint64
	talk  time.Duration
}

type countKey struct {
	direction store.Direction
	cause     cause.Cause
}

// count counts a call that has ended.
func (l *loop) count(end cause.End) {
	if l.counted.calls == nil {
		l.counted.calls = map[countKey]uint64{}
	}
	l.counted.calls[countKey{l.cur.record.Direction, end.Cause}]++
	l.counted.talk += l.talked()
}

func (b *backend) Metrics(ctx context.Context) ([]control.Metric, error) {
	p := b.parts
	calls := control.Metric{Name: "callbox_calls_total", Help: "Calls that have ended, by direction and cause.", Counter: true}
	talk := control.Metric{Name: "callbox_talk_seconds_total", Help: "Talk of all calls that have ended, in seconds.", Counter: true}
	in := control.Metric{Name: "callbox_call", Help: "1 while a call is running."}
	status, err := b.Status(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := ask(ctx, b.loop, func() (struct{}, error) {
		for _, direction := range []store.Direction{store.Incoming, store.Outgoing} {
			for _, entry := range cause.Registry() {
				n := b.loop.counted.calls[countKey{direction, entry.Cause}]
				calls.Samples = append(calls.Samples, control.Sample{
					Labels: [][2]string{{"direction", string(direction)}, {"cause", string(entry.Cause)}}, Value: float64(n),
				})
			}
		}
		talk.Samples = []control.Sample{{Value: b.loop.counted.talk.Seconds()}}
		in.Samples = []control.Sample{{Value: truth(b.loop.state.Phase.Active())}}
		return struct{}{}, nil
	}); err != nil {
		return nil, err
	}
	refused := control.Metric{Name: "callbox_refused_total", Help: "Messages and calls that were refused, by reason.", Counter: true}
	for _, reason := range slices.Sorted(maps.Keys(status.Refused)) {
		refused.Samples = append(refused.Samples, control.Sample{Labels: [][2]string{{"reason", reason}}, Value: float64(status.Refused[reason])})
	}
	phones := control.Metric{Name: "callbox_phones_connected", Help: "Phones that a transport reaches now, by transport."}
	for _, t := range status.Transports {
		phones.Samples = append(phones.Samples, control.Sample{Labels: [][2]string{{"transport", t.Name}}, Value: float64(t.Phones)})
	}
	link, err := ask(ctx, b.loop, func() ([]control.Metric, error) { return b.loop.linkMetrics(), nil })
	if err != nil {
		return nil, err
	}
	return append(append([]control.Metric{
		calls, talk, in, refused, phones, encoderFailures(p.engine.Encoder()),
		single("callbox_contacts", "Phones that the device trusts.", float64(status.Contacts)),
		single("callbox_store_problems", "Problems of the record store since the start.", float64(len(p.store.Problems()))),
		single("callbox_clock_trusted", "1 while the kernel holds the wall clock for synchronised.", truth(p.trusted())),
		single("callbox_uptime_seconds", "Time since the start.", status.UptimeSeconds),
	}, p.ways.metrics(status.Transports)...), link...), nil
}

func single(name, help string, v float64) control.Metric {
	return control.Metric{Name: name, Help: help, Samples: []control.Sample{{Value: v}}}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
