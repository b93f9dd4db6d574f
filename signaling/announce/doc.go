// Package announce tells the local network where the device is: multicast DNS (RFC
// 6762) with the one service _callbox._tcp (RFC 6763), so that an app on the same
// network finds the device without a person who types addresses.
//
// It answers questions about the device's own names and asks none. Host and instance
// names are made of the thumbprint of the device's key, so nobody else has them and
// they are not probed for (RFC 6762, 8.1, wants that of names that others may have).
package announce

import "time"

// Times of RFC 6762; every file takes them from here.
const (
	hostTTL     = 120  // seconds: what a change of address makes wrong (10)
	otherTTL    = 4500 // seconds (10)
	legacyTTL   = 10   // seconds, for who does not keep up with changes (6.7)
	flushBit    = 1 << 15
	queryBit    = 1 << 15                // a unicast answer is wanted, too (5.4)
	repeatAfter = time.Second            // of an announcement (8.3)
	answerRest  = time.Second            // between two answers with the same record (6)
	sharedDelay = 20                     // milliseconds, at least, before an answer that others may give, too (6)
	sharedSpan  = 100                    // milliseconds that are added by chance
	settle      = 500 * time.Millisecond // after a change of the interfaces: it seldom comes alone
	recheck     = time.Minute            // should a change be missed
)

const (
	port      = 5353
	hops      = 255  // TTL of packets (11)
	maxPacket = 9000 // bytes (17)
	maxQueue  = 64   // packets that wait; further ones are lost, as on the network
)
