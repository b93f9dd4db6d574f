// Package call is the call machine: what a call is, and what follows from what.
//
// Step is a pure function of a State and an Event. It has no clock, starts no
// goroutine and does no I/O; time comes in as an event (TimerFired). What is to
// be done goes out as Effects, which the daemon's loop carries out in order.
// Events carry the generation of the call that they belong to, those of media the
// leg as well; what belongs to an older one changes nothing, because networks and
// goroutines repeat and reorder.
//
//	       Offered          Answered
//	 ┌───────────▶ Ringing ──────────┐
//	 │                │              ▼         MediaStarted
//	Idle              │         Connecting ───────────────▶ Talking ◀──▶ Reconnecting
//	 │                │          ▲   │ │                       │              │
//	 └───────────▶ Dialing ──────┘◀──┘ │                       │              │
//	 ▲     Dial       │  Offered (Ring)│                       │              │
//	 └── Closed ── Ended ◀─────────────┴───────────────────────┴──────────────┘
//
// An outgoing call rings up to MaxRings phones, at once or in turn. The first that
// reaches the talk gets it; one whose media does not connect is given up for the
// next (Connecting back to Dialing), with a media session of its own: a new leg.
package call
