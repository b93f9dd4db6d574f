package selftest

import "callbox/daemon/control"

// Line is one line of JSON from the program that makes the call to the one that shows
// what came of it. One member is set; the last line has Figures or Error.
type Line struct {
	Now     string         `json:"now,omitzero"` // what the test is doing, for people
	Figures *Figures       `json:"figures,omitzero"`
	Error   *control.Error `json:"error,omitzero"`
}

// Unreachable is the code of an error that no daemon has answered with: none did.
const Unreachable = "unreachable"

// VideoCodecs are the codecs of pictures that the phone takes, as the configuration names
// them.
func VideoCodecs() []string { return []string{"h264", "vp8"} }
