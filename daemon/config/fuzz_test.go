package config

import (
	"errors"
	"testing"
)

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		"", "call: {ring_timeout: 90}", "a: &a [*a]", "call: [", "? {a: b}\n: 1", "log:\n  level: warn\n  level: info",
		"hal: {camera: {frame_rate: .nan, size: 0x0}}", "media: {ice: {servers: [{urls: [1]}]}}", "---\n---\n", "\t", "<<: {call: 1}",
		"device: {sn: !!binary aGk=}", "signaling: {direct: {origins: [null, ~]}}", "call: {max_duration: 9999999999h}",
		"policy: {default: {rights: [call, 1], camera: ~}, groups: [{name: a, hours: [22:00-07:00]}, {}, 1], do_not_disturb: [x]}",
		"call: {warnings: [1d, 0, ~]}", "records: {keep_for: 99999d, people: none}", "policy: {time_zone: ../UTC, groups: {a: 1}}",
		"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]",
	} {
		f.Add([]byte(seed), "")
	}
	f.Add([]byte("call: {}"), "CALLBOX_CALL_RING_TIMEOUT=\x00")
	f.Add([]byte("policy: {}"), "CALLBOX_POLICY_DO_NOT_DISTURB=22:00-07:00;;Sat 10:00-11:00")
	f.Add([]byte("policy: {}"), "CALLBOX_POLICY_DEFAULT_RIGHTS=call,,")
	f.Fuzz(func(t *testing.T, data []byte, env string) {
		c, err := load("f", data, []string{env})
		if (c == nil) == (err == nil) {
			t.Fatalf("load = %v, %v", c, err)
		}
		if err != nil {
			var p Problems
			if !errors.As(err, &p) || len(p) == 0 {
				t.Fatalf("the error is no list of problems: %v", err)
			}
			return
		}
		check(c, func(path, text string) { t.Fatalf("loaded, but %s: %s", path, text) })
	})
}
