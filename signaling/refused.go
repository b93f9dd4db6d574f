package signaling

// Reason says why a message or a frame was dropped or refused. The list is
// closed: these words are the labels of a counter.
type Reason string

// The reasons.
const (
	RefusedSize        Reason = "size"        // over a size limit
	RefusedRate        Reason = "rate"        // over its transport peer's budget
	RefusedShape       Reason = "shape"       // not a message: JWS, JSON or envelope
	RefusedRecipient   Reason = "recipient"   // to or tkt is not this device
	RefusedSender      Reason = "sender"      // from is not the key's, or not the transport's
	RefusedStranger    Reason = "stranger"    // no contact has this key, and no token came with it
	RefusedRevoked     Reason = "revoked"     // the contact is revoked or suspended
	RefusedSignature   Reason = "signature"   // not by the sender's key
	RefusedVersion     Reason = "version"     // a version that is not spoken here
	RefusedValue       Reason = "value"       // a value that breaks the rules
	RefusedRing        Reason = "ring"        // an invite that answers no ring of ours
	RefusedNonce       Reason = "nonce"       // not of this boot, key, room and invite
	RefusedLate        Reason = "late"        // the nonce is too old
	RefusedInvite      Reason = "invite"      // the invite inside an offer is not what was challenged
	RefusedSDP         Reason = "sdp"         // breaks the SDP rules
	RefusedOffer       Reason = "offer"       // a second offer for a room that has had one
	RefusedRoom        Reason = "room"        // of a room that is not known or has ended
	RefusedState       Reason = "state"       // of a type that is not handled there and then
	RefusedID          Reason = "id"          // an id that other bytes have had
	RefusedFull        Reason = "full"        // more than is remembered
	RefusedRestart     Reason = "restart"     // a restart too soon after the last
	RefusedCandidates  Reason = "candidates"  // more than 40 of a generation
	RefusedData        Reason = "data"        // data with a wrong nonce, a wrong time, or not while ringing
	RefusedRight       Reason = "right"       // a right that the contact does not have
	RefusedPairing     Reason = "pairing"     // a MAC that is of no open window
	RefusedSecondPhone Reason = "secondPhone" // a right MAC of a window that another phone used
	RefusedFrame       Reason = "frame"       // a frame that is none, or over its budget

	RefusedTokenShape     Reason = "tokenShape"     // a call token that is none: size, JWS, header, claims
	RefusedTokenIssuer    Reason = "tokenIssuer"    // of no issuer, or by a key that the issuer does not have
	RefusedTokenSignature Reason = "tokenSignature" // not signed by the issuer's key
	RefusedTokenDevice    Reason = "tokenDevice"    // for another device
	RefusedTokenRoom      Reason = "tokenRoom"      // for another room
	RefusedTokenHolder    Reason = "tokenHolder"    // for another phone's key
	RefusedTokenLife      Reason = "tokenLife"      // expired, from the future, or living too long
	RefusedTokenDenied    Reason = "tokenDenied"    // its issuer, key, subject or itself is denied
	RefusedTokenNonce     Reason = "tokenNonce"     // without a nonce of ours that it needs
	RefusedTokenSpent     Reason = "tokenSpent"     // used before
	RefusedTokenStore     Reason = "tokenStore"     // it could not be written down that it is used
)

// Reasons lists every reason once.
func Reasons() []Reason {
	return []Reason{
		RefusedSize, RefusedRate, RefusedShape, RefusedRecipient, RefusedSender, RefusedStranger, RefusedRevoked,
		RefusedSignature, RefusedVersion, RefusedValue, RefusedRing, RefusedNonce, RefusedLate, RefusedInvite,
		RefusedSDP, RefusedOffer, RefusedRoom, RefusedState, RefusedID, RefusedFull, RefusedRestart,
		RefusedCandidates, RefusedData, RefusedRight, RefusedPairing, RefusedSecondPhone, RefusedFrame,
		RefusedTokenShape, RefusedTokenIssuer, RefusedTokenSignature, RefusedTokenDevice, RefusedTokenRoom, RefusedTokenHolder,
		RefusedTokenLife, RefusedTokenDenied, RefusedTokenNonce, RefusedTokenSpent, RefusedTokenStore,
	}
}

// Refused returns how often each reason has occurred since the start; a reason
// that has not is there with 0.
func (d *Device) Refused() map[string]uint64 {
	d.mu.Lock()
	defer d.unlock()
	counts := make(map[string]uint64, len(d.refused))
	for _, r := range Reasons() {
		counts[string(r)] = d.refused[r]
	}
	return counts
}

// refuse counts one refusal. The mutex is held.
func (d *Device) refuse(p Peer, r Reason) {
	d.refused[r]++
	line := d.o.Log.Debug().Str("reason", string(r)).Str("peer", p.Budget)
	if p.room != "" {
		line = line.Str("room_id", p.room)
	}
	line.Msg("refused")
}
