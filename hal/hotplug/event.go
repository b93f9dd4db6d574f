package hotplug

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// Kind is a kind of devices, by the events that tell of them.
type Kind struct {
	subsystem string
	node      string // what the name of the node begins with; "": any, or none
	changes   bool   // an event change with HOTPLUG=1 tells of a plug
}

// The kinds.
var (
	Cameras = Kind{subsystem: "video4linux"}
	// SoundCards are told of by the node that the kernel registers last, after all that a
	// card plays and records with (enum snd_device_type).
	SoundCards = Kind{subsystem: "sound", node: "controlC"}
	// Screens come with a graphics card, or are plugged into one (drm_sysfs_hotplug_event).
	Screens = Kind{subsystem: "drm", changes: true}
)

// event is what a uevent says.
type event struct {
	action, subsystem string
	node              string // the name of the device's node; "": it has none
	plug              bool   // HOTPLUG=1: something was plugged into the device or pulled out
}

// counts says whether an event tells of a device of the kind that has come, or that has
// gone where both count. Of a change nobody knows which of the two it is.
func (k Kind) counts(e event, both bool) bool {
	if e.subsystem != k.subsystem || !strings.HasPrefix(e.node, k.node) {
		return false
	}
	return e.action == "add" || e.action == "remove" && both || e.action == "change" && k.changes && e.plug
}

// parse reads an event. udev's begin with a header of its own (struct
// monitor_netlink_header of systemd), which says where the properties begin.
func parse(text []byte) (e event) {
	if p, ok := bytes.CutPrefix(text, []byte("libudev\x00")); ok {
		if len(p) < 12 {
			return event{}
		}
		offset := binary.NativeEndian.Uint32(p[8:])
		if uint64(offset) > uint64(len(text)) {
			return event{}
		}
		text = text[offset:]
	}
	for property := range bytes.SplitSeq(text, []byte{0}) {
		key, value, ok := strings.Cut(string(property), "=")
		if !ok {
			continue
		}
		switch key {
		case "ACTION":
			e.action = value
		case "SUBSYSTEM":
			e.subsystem = value
		case "DEVNAME": // the kernel's without /dev, udev's with it
			e.node = value[strings.LastIndexByte(value, '/')+1:]
		case "HOTPLUG":
			e.plug = value == "1"
		}
	}
	return e
}
