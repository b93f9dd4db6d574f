package config

import (
	"reflect"
	"strings"
)

// Effect says when a changed key takes effect.
type Effect string

// The effects.
const (
	AtReload  Effect = "reload"  // callboxctl reload, or systemctl reload; a running call keeps its limit and its timers
	AtRestart Effect = "restart" // the daemon must be restarted
)

// effects has one row for each section, or for each key of a section whose keys
// differ.
var effects = []struct {
	path   string
	effect Effect
}{
	{"device", AtRestart},
	{"signaling.direct", AtRestart},
	{"signaling.page", AtRestart},
	{"signaling.announce", AtRestart},
	{"signaling.issuers", AtReload},
	{"signaling.mqtt", AtRestart},
	{"signaling.relay", AtRestart},
	{"signaling.push", AtRestart},
	{"call", AtReload},
	{"policy", AtReload},
	{"records", AtReload},
	{"media", AtRestart},
	{"hal", AtRestart},
	{"control", AtRestart},
	{"log.level", AtReload},
	{"log.format", AtRestart},
}

// EffectOf says when a change of the key (its dotted path, as Diff gives it) takes
// effect. Of a key that is not there nothing is known: AtRestart.
func EffectOf(key string) Effect {
	for _, row := range effects {
		if key == row.path || strings.HasPrefix(key, row.path+".") {
			return row.effect
		}
	}
	return AtRestart
}

// Diff returns the dotted paths of the keys whose values differ, in the order of
// the schema. A list counts as one key.
func Diff(before, after *Config) []string {
	var out []string
	a, b := values(before), values(after)
	schema().leaves(func(n *node) {
		if !reflect.DeepEqual(a[n.path], b[n.path]) {
			out = append(out, n.path)
		}
	})
	return out
}
