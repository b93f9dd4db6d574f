// Package phonepeer is a phone in Go: a second peer that speaks the whole
// protocol (docs/protocol.md) over the direct transport, with a real WebRTC
// connection. It stands for a person's phone in tests of the daemon and in
// callboxctl selftest; signaling/phone is the reference that it follows.
//
// A Phone has one key, one device and one loop: a goroutine that owns the state of
// all its calls. step.go decides (pure: events in, effects out), session.go carries
// out, leg.go holds the WebRTC connection of one call. Whoever calls a method only
// posts to the loop.
//
// A device takes 10 messages at once and then 5 a second of one key outside of its
// calls, and a call costs three or four of them. What comes over that is sent again
// half a second later; who makes many calls in a row takes turns with several phones.
//
// Times are on Options.Clock; sizes are in bytes.
package phonepeer
