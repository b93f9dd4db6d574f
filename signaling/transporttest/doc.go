// Package transporttest holds every transport to the same table: whole calls both
// ways, refusals and attacks, between a real signaling.Device and a phone, with a
// hostile network in between that drops, delays, repeats, reorders, replays and
// swaps. It has tests only; mqtt runs against a real Mosquitto.
package transporttest
