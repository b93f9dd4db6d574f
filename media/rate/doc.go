// Package rate decides how much may be sent: congestion control on transport-wide
// feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01), and the pacing of
// packets. It is pure: no clock, no goroutine, no network; times are durations on the
// sender's clock and are handed in.
//
// A Controller keeps the queue on the way short. What a packet waits there is its
// delay over the smallest one seen; the smallest delay of the last moments says how
// long the queue stands. A jitter of hundreds of milliseconds does not matter to it, a
// filling queue is seen within a feedback or two. Loss counts only where sending less
// makes it smaller (a policer, a full queue): loss by radio does not.
//
// Upwards it goes by steps while the queue is empty, and by probes: short bursts at
// a multiple of the target, with padding where there is nothing to say. What arrives
// of a burst, and how fast, is evidence; without evidence the target does not grow
// past one and a half times what really got through.
package rate
