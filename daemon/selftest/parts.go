package selftest

import (
	"fmt"
	"slices"
)

// Kinds are those of the parts that are judged, and may be required.
func Kinds() []string { return []string{"camera", "microphone", "speaker", "display"} }

// What the configuration says of a part that is not found by its name.
const (
	wantedNone    = "none"
	wantedVirtual = "virtual"
)

// parts adds a row for each kind: whether the device has what its configuration wants, and
// what is required. Without it a test picture and a tone would pass for a camera and a
// microphone.
func (j *judge) parts() {
	for _, kind := range Kinds() {
		worst, found := Row{}, false
		for _, p := range j.f.Hardware {
			if p.Kind != kind {
				continue
			}
			if r := j.part(p); !found || worse(r.State, worst.State) {
				worst, found = r, true
			}
		}
		if found {
			j.add(worst)
		} else if slices.Contains(j.required, kind) {
			j.add(j.lacks(kind))
		}
	}
}

// lacks is the row of a part that is required and that the device does not have.
func (j *judge) lacks(kind string) Row {
	return Row{Name: kind, State: Failed, Says: "the device has none, and one is required", Remedy: fmt.Sprintf("hal.%s.name: auto, or a name of callboxctl devices", kind)}
}

// part judges one part. A name that is not there, or that went away, comes with a reason.
func (j *judge) part(p Part) Row {
	required := slices.Contains(j.required, p.Kind)
	option := fmt.Sprintf("hal.%s.name", p.Kind)
	r := Row{Name: p.Kind, State: OK, Says: p.Name}
	switch off := j.off(p.Kind); {
	case p.Reason != "" && p.Virtual:
		r.State, r.Says = Failed, p.Reason+": a virtual one stands in"
		r.Remedy = fmt.Sprintf("callboxctl devices; a device that has none: %s: none, or virtual to try without", option)
	case p.Reason != "":
		r.State, r.Says, r.Remedy = Failed, p.Reason, "its cable; callboxctl devices; callboxctl doctor"
	case p.Wanted == wantedNone || p.Name == "":
		if required {
			return j.lacks(p.Kind)
		}
		r.State, r.Says = Off, fmt.Sprintf("none, by %s", option)
	case off != "":
		r.State, r.Says, r.Remedy = Failed, p.Name+": "+off, "its cable; callboxctl doctor; journalctl -u callbox"
	case p.Virtual && required:
		r.State, r.Says, r.Remedy = Failed, "virtual, and a real one is required", option+": auto, or a name of callboxctl devices"
	case p.Virtual:
		r.State, r.Says, r.Remedy = Warning, fmt.Sprintf("virtual, by %s: no hardware is tested", option), option+": auto, for a device that has one"
	case p.Kind == "speaker" && j.f.Volume != nil && *j.f.Volume == 0:
		r.State, r.Says, r.Remedy = Warning, p.Name+": the volume is 0, nobody hears it", "callboxctl volume 70"
		if required {
			r.State = Failed
		}
	}
	return r
}

// off is what the device has said in the talk of a part that it has; "": nothing.
func (j *judge) off(kind string) string {
	switch {
	case kind == "camera" && j.f.RoomType == "video" && j.f.CamOff:
		return "off or lost in the talk, by the device's word"
	case kind == "microphone" && j.f.Muted, kind == "speaker" && j.f.SpkOff:
		return "off or lost in the talk, by the device's word"
	}
	return ""
}

// standIn reports whether a part of this kind is virtual.
func (j *judge) standIn(kind string) bool {
	return slices.ContainsFunc(j.f.Hardware, func(p Part) bool { return p.Kind == kind && p.Virtual })
}

// worse reports whether a row in state a tells more than one in state b.
func worse(a, b State) bool {
	order := []State{Off, OK, Warning, Failed}
	return slices.Index(order, a) > slices.Index(order, b)
}
