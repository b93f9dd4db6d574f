package media

import (
	"time"

	"callbox/hal"
)

// Times of a session; every file takes them from here.
const (
	// iceDisconnected is how long silence lasts until the way is lost: RFC 7675
	// sends a check each 5 s, a person notices after two.
	iceDisconnected = 5 * time.Second
	// iceFailed comes on top: together they are the 30 s of consent (RFC 7675, 5.1).
	iceFailed = 25 * time.Second
	// iceKeepalive is how often an idle pair is checked, and so how soon a way is
	// found to be back.
	iceKeepalive = 2 * time.Second

	// candidateBatch gathers local candidates, so that a network card's eight
	// make one signed message and not eight.
	candidateBatch = 30 * time.Millisecond

	// keyframeInterval bounds what a phone that keeps asking can cost.
	keyframeInterval = 300 * time.Millisecond
	// askAgain is how often a camera that encodes by itself is asked for a keyframe that
	// is needed, and after deafAfter it is taken to make none.
	askAgain  = time.Second
	deafAfter = 5 * time.Second
	// pliInterval is how often we ask the phone, about two round trips.
	pliInterval = 500 * time.Millisecond
	// sendTick is how often the control of the rate is asked when there is nothing to
	// send.
	sendTick = 50 * time.Millisecond
	// videoReorder is how long a picture waits for its packets.
	videoReorder = 200 * time.Millisecond

	// captionTick is how often a caption is brought up to date while no picture comes.
	captionTick = time.Second

	// reopenDevice is the pause between looks for a device that is gone, while nobody
	// tells that one was plugged in.
	reopenDevice = 2 * time.Second
	// settleTime is how long a camera that is opened for one picture may take to
	// find its exposure; settleFrames is how many pictures that takes at most.
	settleTime = 500 * time.Millisecond
	// mediaBefore: a phone that sent something this shortly before the way was
	// lost must send again until the way counts as back.
	mediaBefore = 10 * time.Second
	// flushData is what Close gives a last message on the data channel.
	flushData = 150 * time.Millisecond
)

// Sizes of a session.
const (
	settleFrames     = 5
	playTail         = 10                  // frames of silence: what devices keep in their buffers is less
	maxTones         = 16                  // that wait in a session
	maxToneSamples   = 60 * hal.SampleRate // of them
	maxDataFrame     = 8 << 10             // bytes of a text frame, as the protocol says
	maxQueuedData    = 32                  // frames that wait for the daemon until the phone is slowed down
	maxCandidates    = 80                  // remote ones that are kept before their description
	rtpHeaderSize    = 12                  // bytes, the least (RFC 3550, 5.1)
	rtpPayloadSize   = 1180                // bytes: 1200 with the RTP header and an extension
	videoClock       = 90000
	maxPadding       = 255 // bytes of a packet (RFC 3550, 5.1)
	maxVideoPackets  = 512 // that the sample builder keeps
	decodeQueue      = 16  // pictures between network and display
	sctpReceiveBytes = 256 << 10
)
