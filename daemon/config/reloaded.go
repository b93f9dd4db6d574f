package config

import (
	"encoding/json"
	"slices"
)

// MaxWarnings is how many warnings before the limit a call may have.
const MaxWarnings = 4

// Reloaded is what counts after a reload: of next what takes effect at a reload,
// of before the rest. Neither is changed.
func Reloaded(before, next *Config) *Config {
	c := *before
	c.Signaling.Issuers = next.Signaling.Issuers
	c.Call, c.Policy, c.Records, c.Log.Level = next.Call, next.Policy, next.Records, next.Log.Level
	return &c
}

// UsesClock reports whether a rule of the configuration depends on the time of day.
func (c *Config) UsesClock() bool {
	uses := len(c.Policy.DoNotDisturb) > 0 || len(c.Policy.Default.Hours) > 0
	for _, g := range c.Policy.Groups {
		uses = uses || len(g.Hours) > 0
	}
	return uses
}

// Redacted writes the configuration as JSON, for a bug report: by dotted path, the
// credentials of ICE servers and the path of the webhook left out, and without people
// whom buttons call, too.
func (c *Config) Redacted(people bool) (json.RawMessage, error) {
	shown := *c
	shown.Media.ICE.Servers = append(shown.Media.ICE.Servers[:0:0], shown.Media.ICE.Servers...)
	for i := range shown.Media.ICE.Servers {
		if s := &shown.Media.ICE.Servers[i]; s.Credential != "" {
			s.Credential = "[secret]"
		}
	}
	shown.HAL.Buttons = slices.Clone(shown.HAL.Buttons)
	for i := range shown.HAL.Buttons {
		if b := &shown.HAL.Buttons[i]; b.Call != "" && !people {
			b.Call = "[somebody]"
		}
	}
	shown.Signaling.Push.Webhook.URL = origin(shown.Signaling.Push.Webhook.URL)
	return json.Marshal(values(&shown))
}
