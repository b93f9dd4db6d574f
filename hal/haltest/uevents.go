package haltest

import "os"

// Uevents is a socket for hotplug.New whose events come out of a channel, one for each
// Read: "ACTION=add\x00SUBSYSTEM=video4linux\x00…".
type Uevents chan string

// Read gives the next event; os.ErrClosed after Close.
func (u Uevents) Read(p []byte) (int, error) {
	s, ok := <-u
	if !ok {
		return 0, os.ErrClosed
	}
	return copy(p, s), nil
}

// Close ends the events. It is called once.
func (u Uevents) Close() error { close(u); return nil }
