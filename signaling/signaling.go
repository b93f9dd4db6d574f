// Package signaling is the device's end of the callbox/1 protocol: verified
// messages in, signed messages out. Transports carry strings and are never
// trusted; the daemon gets typed events of rooms whose caller has proved itself
// and answers with the methods of Device.
//
// docs/protocol.md is the contract. Sizes are in bytes, times on clock.Boot.
package signaling

import (
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/key"
	"callbox/signaling/message"
	"callbox/signaling/token"
)

// RoomKey names a room: its state belongs to the room's id and the phone's key
// together, so no other key can touch it.
type RoomKey struct {
	ID    string // roomId
	Phone string // jkt of the phone's key
}

// RoomType is voice or video.
type RoomType = message.RoomType

// Limit is a wish or a rule for a call's length. The zero value is none.
type Limit = message.Limit

// Right is what a contact may do.
type Right = message.Right

// JWK is a public P-256 key as RFC 7517 writes it.
type JWK = key.JWK

// ICEServer is an RTCIceServer.
type ICEServer = message.ICEServer

// The room types.
const (
	Voice = message.Voice
	Video = message.Video
)

// The rights.
const (
	RightCall     Right = "call"     // may call the device
	RightBeCalled Right = "beCalled" // may be called by the device
	RightAuto     Right = "auto"     // is answered without a person
	RightUnlock   Right = "unlock"   // may open the door
)

// Contact is a phone that the device trusts. What it does not say for itself, its
// groups say, and then the configuration's default.
type Contact struct {
	JKT         string    `json:"jkt"`  // thumbprint of the key: the contact's identity
	Name        string    `json:"name"` // unique among the contacts; what a person is shown
	JWK         JWK       `json:"jwk"`
	Rights      []Right   `json:"rights,omitzero"`     // nil: those of its groups, else the default's
	Groups      []string  `json:"groups,omitzero"`     // names of policy.groups in the configuration
	MaxSeconds  float64   `json:"maxSeconds,omitzero"` // longest call; 0: no limit of its own
	DaySeconds  float64   `json:"daySeconds,omitzero"` // talk a day; 0: no limit of its own
	Hours       []string  `json:"hours,omitzero"`      // when it may call: "Mon-Fri 08:00-20:00"; nil: no hours of its own
	Camera      *bool     `json:"camera,omitzero"`     // whether it may see the device's camera; nil: nothing of its own
	ThroughDND  *bool     `json:"throughDnd,omitzero"` // whether it comes through do-not-disturb; nil: nothing of its own
	Added       time.Time `json:"added"`               // by the wall clock, for people
	SelfSigned  bool      `json:"selfSigned,omitzero"` // paired over a self-made certificate
	Revoked     bool      `json:"revoked,omitzero"`    // stays refused until paired anew
	RevokedTime time.Time `json:"revokedTime,omitzero"`
}

// ContactBook is what Device needs of the store. Its methods are called from
// several goroutines.
type ContactBook interface {
	// Contact returns the contact with this key; a revoked one too, marked so. Its
	// rights are those that count now, whoever gave them.
	Contact(jkt string) (Contact, bool)
	// Pair adds a contact durably before it returns, or makes a known key
	// current again. A name that is taken gets a suffix; the stored contact is
	// returned. fresh is false when the key was already paired.
	Pair(c Contact) (stored Contact, fresh bool, err error)
}

// Event is what the daemon learns from Device: all of it verified. Events of one
// room come in order.
//
//sumtype:decl
type Event interface{ signalingEvent() }

// The events.
type (
	// Offer asks to ring: its sender is a contact, or holds a call token, and has
	// just proved it. The daemon answers with Reject, or Ringing and Accept, or Accept alone. With Ring
	// it is the answer of a phone that this device rings: its person has answered,
	// so the daemon accepts at once, or gives up with CancelRing.
	Offer struct {
		Ring                 bool // in a room of Device.Ring
		Room                 RoomKey
		Contact              Contact     // with ByToken one that is made of the token
		Token                *token.Pass // verified and spent; nil: none came
		ByToken              bool        // the sender is no contact: Token alone allows it
		RoomType             RoomType
		TimeLimit            Limit // what the phone wishes; of a rung one not more than the ring's
		EnableCallerCamera   bool
		EnableListenerCamera bool
		Query                string
		Payload              []byte // any JSON, or nil
		SDP                  string // checked against the SDP rules
	}
	// Cancel means that the caller gave up before it was answered.
	Cancel struct {
		Room  RoomKey
		Cause cause.Cause
	}
	// Bye says that the call is over.
	Bye struct {
		Room RoomKey
		End  cause.End
	}
	// Candidates are remote ICE candidates (RTCIceCandidateInit as JSON each).
	Candidates struct {
		Room       RoomKey
		Candidates [][]byte
		End        bool // an empty candidate ended the list
	}
	// Restart asks for new ICE credentials; the fingerprint is the same as before.
	// The daemon answers with Restarted.
	Restart struct {
		Room       RoomKey
		Generation int
		SDP        string
	}
	// PhoneData is the maker's own message, or a wish to unlock (Right), before
	// the talk or in it. The daemon answers with AnswerData.
	PhoneData struct {
		Room    RoomKey
		ID      string
		Right   Right // "" or RightUnlock
		Payload []byte
	}
	// PhoneInfo is what the phone says of itself in a talk.
	PhoneInfo struct {
		Room                 RoomKey
		Mic, Camera, Speaker bool
		Quality              int // 0 to 4
	}
	// Paired means that a phone was paired through the open window.
	Paired struct {
		Contact Contact
		Fresh   bool // false: it was a contact before
	}
	// PairingAlarm means that a second key came with the right secret. Both are suspended
	// until a person looks: the first contact is revoked.
	PairingAlarm struct{ First, Second string } // jkt
	// Unanswered means that the phone never acknowledged a message within its life.
	// Type "ring" says so of Device.Ring: the phone was not reached, and the room is
	// over.
	Unanswered struct {
		Room RoomKey
		Type string
	}
	// RingReached means that the phone has answered the ring by itself and was
	// challenged: it alerts its person now. It comes once a room.
	RingReached struct{ Room RoomKey }
	// RingDeclined means that the rung phone said no, or that its answer broke the
	// rules (BadRequest, Unsupported), before Accept. The room is over. A word that
	// does not say why a call is declined counts as Rejected.
	RingDeclined struct {
		Room  RoomKey
		Cause cause.Cause
	}
	// DataAnswered is what became of SendData: one for each that had no error.
	DataAnswered struct {
		Room  RoomKey
		ID    string
		Error string // "": handled; one of the Error constants, or another word of the phone's
	}
)

func (Offer) signalingEvent()        {}
func (Cancel) signalingEvent()       {}
func (Bye) signalingEvent()          {}
func (Candidates) signalingEvent()   {}
func (Restart) signalingEvent()      {}
func (PhoneData) signalingEvent()    {}
func (PhoneInfo) signalingEvent()    {}
func (Paired) signalingEvent()       {}
func (PairingAlarm) signalingEvent() {}
func (Unanswered) signalingEvent()   {}
func (RingReached) signalingEvent()  {}
func (RingDeclined) signalingEvent() {}
func (DataAnswered) signalingEvent() {}
