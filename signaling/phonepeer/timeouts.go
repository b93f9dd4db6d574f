package phonepeer

import "time"

// Times of a phone; every file takes them from here. Those of a call are the
// device's and slack more, so that the device's word comes first.
const (
	answerTimeout  = 10 * time.Second // for the device to answer an invite
	ringTimeout    = 60*time.Second + slack
	connectTimeout = 20*time.Second + slack
	reconnectTime  = 30*time.Second + slack
	slack          = 2 * time.Second

	restartRest = 2 * time.Second        // between two ICE restarts
	leaveTime   = 500 * time.Millisecond // in which the device's own word for an end counts
	roomMemory  = 120 * time.Second      // that an ended room answers duplicates
	dataTimeout = 10 * time.Second       // for the device to answer data in a talk
	dataSkew    = 5 * time.Second        // that data of the device before the talk may be late
	infoRest    = time.Second            // between two infos

	firstLife = 10 * time.Second // of invite, offer and pair, and data before the talk
	restLife  = 30 * time.Second // of every other message

	candidateBatch = 30 * time.Millisecond

	settleTime = time.Second // that a connection which is coming up gets before it is closed

	dialTimeout  = 6 * time.Second // until the WebSocket is open
	helloTimeout = 5 * time.Second // from there to the device's hello
	writeTimeout = 5 * time.Second // of one frame
	firstBackoff = 400 * time.Millisecond
	lastBackoff  = 15 * time.Second
)

// Sizes of a phone.
const (
	maxSeen       = 512 // messages that a room remembers
	maxFrame      = 64 << 10
	maxQueue      = 256 // messages that wait for a slow WebSocket
	maxEndpoints  = 16
	maxEarly      = 80  // remote candidates that wait for their description
	maxEvents     = 256 // of one call that nobody has taken; then Info and Data are dropped
	maxIncoming   = 16  // calls of the device that nobody has taken
	suspectCopies = 4   // copies without an answer after which the connection is thought dead
)
