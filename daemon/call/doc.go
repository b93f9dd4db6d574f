// Package call is the call machine: what a call is, and what follows from what.
//
// Step is a pure function of a State and an Event. It has no clock, starts no
// goroutine and does no I/O; time comes in as an event (TimerFired). What is to
// be done goes out as Effects, which the daemon's loop carries out in order.
// Events carry the generation of the call that they belong to; what belongs to an
// older call changes nothing, because networks and goroutines repeat and reorder.
//
//	          Offered                 Answered            MediaStarted
//	Idle ───────────────▶ Ringing ───────────────▶ Connecting ───────▶ Talking ◀──▶ Reconnecting
//	  ▲                      │                          │                 │              │
//	  └────── Closed ──── Ended ◀───────────────────────┴─────────────────┴──────────────┘
//
// The table of every state and event is in step_test.go, the invariants are in
// fuzz_test.go.
package call
