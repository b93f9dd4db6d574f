// Package daemon puts the parts together and runs the one event loop.
//
// The map of the house is docs/house.md. In this package:
//
//	daemon.go   what is made, in which order it starts, in which order it stops
//	loop.go     the loop: one goroutine, one mailbox, the state of the call
//	inbox.go    what comes in: facts of signaling and media become events of package call
//	effects.go  what goes out: the effects of package call, carried out in one place
//	backend.go  what the local API asks
//	notify.go   readiness, status and watchdog for systemd
package daemon
