package reference

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"callbox/daemon/config"
)

const exampleHead = `# Every key of callbox, with its default. A file needs only the keys that differ:
# what is written here need not be written. Where a line begins with # and no space
# follows, the key has no default, and what stands there is an example.
#
# The daemon reads ` + config.DefaultFile + `; callboxctl check FILE finds every mistake.
# man callbox.yaml explains the whole.
`

// samples are values of keys that have no default, where one is not obvious.
var samples = map[string]string{
	"device.sn":                          "door-1",
	"signaling.direct.names":             "[door.example.com]",
	"signaling.direct.origins":           `["https://call.example.com"]`,
	"signaling.issuers.issuer":           "https://api.example.com",
	"signaling.issuers.jwks":             "/etc/callbox/issuer.jwks.json",
	"signaling.issuers.groups":           "[couriers]",
	"signaling.issuers.attempts_an_hour": "60",
	"signaling.issuers.hours":            `["Mon-Sat 07:00-21:00"]`,
	"signaling.mqtt.brokers":             `["mqtts://broker.example.com:8883"]`,
	"media.ice.servers.urls":             `["turn:turn.example.com:3478"]`,
	"policy.default.hours":               `["Mon-Fri 08:00-20:00"]`,
	"policy.groups.name":                 "couriers",
	"policy.groups.hours":                `["Mon-Sat 07:00-21:00"]`,
	"policy.do_not_disturb":              `["22:00-07:00"]`,
	"hal.more_cameras.name":              "usb-046d_C920-video-index0",
	"hal.more_cameras.size":              "640x480",
	"hal.more_cameras.frame_rate":        "15",
	"hal.more_cameras.mirror":            "false",
	"hal.buttons.name":                   "bell",
	"hal.buttons.key":                    "KEY_ENTER",
	"hal.buttons.input":                  "auto",
	"hal.buttons.action":                 "toggle",
	"hal.buttons.call":                   `""`,
	"hal.buttons.hold":                   "0s",
	"hal.light.gpio.line":                `""`,
}

// Example is the full example of the file. Read as it is, it gives the defaults.
func (r *Reference) Example() string {
	var b strings.Builder
	b.WriteString(exampleHead)
	r.example(&b, r.Keys, "")
	return b.String()
}

func (r *Reference) example(b *strings.Builder, keys []config.Key, indent string) {
	for _, k := range keys {
		b.WriteString("\n")
		comment(b, indent, r.about(k))
		switch {
		case k.Kind == "section":
			fmt.Fprintf(b, "%s%s:\n", indent, k.Name)
			r.example(b, k.Keys, indent+"  ")
		case len(k.Keys) > 0:
			fmt.Fprintf(b, "%s#%s:\n", indent, k.Name)
			r.items(b, k.Keys, indent)
		default:
			value, out := exampleValue(k)
			fmt.Fprintf(b, "%s%s%s: %s\n", indent, map[bool]string{true: "#"}[out], k.Name, value)
		}
	}
}

// items writes one item of a list of mappings, all of it commented out.
func (r *Reference) items(b *strings.Builder, keys []config.Key, indent string) {
	dash := "- "
	var write func(keys []config.Key, deep string)
	write = func(keys []config.Key, deep string) {
		for _, k := range keys {
			comment(b, indent+"  "+deep, r.about(k))
			if k.Kind == "section" {
				fmt.Fprintf(b, "%s#%s%s%s:\n", indent, deep, dash, k.Name)
				write(k.Keys, deep+"  ")
				continue
			}
			fmt.Fprintf(b, "%s#%s%s%s: %s\n", indent, deep, dash, k.Name, sample(k))
			dash = "  "
		}
	}
	write(keys, "  ")
}

// exampleValue is the default in YAML; out says that it is only an example.
func exampleValue(k config.Key) (value string, out bool) {
	if k.Unset || k.Default == "" && len(k.Form.Words) > 0 {
		return sample(k), true
	}
	switch k.Kind {
	case "list":
		items := strings.Split(k.Default, k.Separator)
		for i := range items {
			items[i] = scalar(items[i])
		}
		return "[" + strings.Join(items, ", ") + "]", false
	case "duration":
		return short(k.Default), false
	case "string", "text":
		if k.Kind == "text" {
			return scalar(short(k.Default)), false
		}
		return scalar(k.Default), false
	}
	return k.Default, false
}

// sample is a value that a key may have.
func sample(k config.Key) string {
	if s, ok := samples[k.Path]; ok {
		return s
	}
	switch {
	case len(k.Form.Words) > 0:
		return k.Form.Words[0]
	case k.Kind == "list" && len(k.ItemForm.Words) > 0:
		return "[" + k.ItemForm.Words[0] + "]"
	case k.Kind == "list":
		return "[]"
	case k.Kind == "bool":
		return "true"
	case k.Kind == "int", k.Kind == "number":
		return "1"
	case strings.HasSuffix(k.Type, "uration"):
		return "1h"
	}
	return `""`
}

// short is a duration without its zeros: 1m instead of 1m0s.
func short(text string) string {
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}

var (
	plainText = regexp.MustCompile(`^[A-Za-z0-9/][A-Za-z0-9 ./_-]*$`)
	notText   = regexp.MustCompile(`^(?i:true|false|yes|no|on|off|null|[0-9.]+(e[0-9]+)?)$`)
)

// scalar writes text in quotes where YAML would take it for something else.
func scalar(text string) string {
	if plainText.MatchString(text) && !notText.MatchString(text) {
		return text
	}
	return fmt.Sprintf("%q", text)
}

const width = 100 // columns of the example

// comment writes text in lines that begin with "# ".
func comment(b *strings.Builder, indent, text string) {
	line := indent + "#"
	for _, word := range slices.Concat(strings.Fields(text), []string{""}) {
		if word == "" || len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = indent + "#"
		}
		line += " " + word
	}
}
