package message

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/cause"
)

// Body is what a message carries beside its envelope.
//
//sumtype:decl
type Body interface {
	// Type is the type that stands in the envelope.
	Type() Type
	// check returns ErrTooLarge or ErrBadRequest.
	check() error
}

// RoomType is voice or video.
type RoomType string

// The room types.
const (
	Voice RoomType = "voice"
	Video RoomType = "video"
)

// Right is what a contact may do.
type Right string

// Candidate is an RTCIceCandidateInit. An empty Candidate ends the list of its
// fragment.
type Candidate struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid,omitzero"`
	SDPMLineIndex    *uint16 `json:"sdpMLineIndex,omitzero"`
	UsernameFragment *string `json:"usernameFragment,omitzero"`
}

// ICEServer is an RTCIceServer.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitzero"`
	Credential string   `json:"credential,omitzero"`
}

// The bodies, in the order of the protocol's table. Durations are in seconds.
type (
	// Invite asks to call. It is self-contained: any channel may carry it.
	Invite struct {
		RoomType             RoomType       `json:"roomType"`
		TimeLimit            Limit          `json:"timeLimit,omitzero"`
		EnableCallerCamera   *bool          `json:"enableCallerCamera,omitzero"`   // absent: yes
		EnableListenerCamera *bool          `json:"enableListenerCamera,omitzero"` // absent: yes
		Query                string         `json:"query,omitzero"`
		Payload              jsontext.Value `json:"payload,omitzero"`
		Token                string         `json:"token,omitzero"` // a call token, for its own package to read
	}
	// Challenge asks the caller to prove that it is here now.
	Challenge struct {
		Nonce       string      `json:"nonce"`
		Epoch       uint64      `json:"epoch"`
		ICEServers  []ICEServer `json:"iceServers,omitzero"`
		RingTimeout float64     `json:"ringTimeout,omitzero"`
	}
	// Offer is the proof and the SDP offer.
	Offer struct {
		Nonce  string `json:"nonce"`
		Invite string `json:"invite"` // the whole string again
		SDP    string `json:"sdp"`
	}
	// Ringing says that a person is being called.
	Ringing struct {
		SDP         string  `json:"sdp,omitzero"` // the answer: preconnect
		RingTimeout float64 `json:"ringTimeout"`
		Nonce       string  `json:"nonce"` // for Data
	}
	// Accept says that the call is answered.
	Accept struct {
		SDP       string `json:"sdp"`
		TimeLimit Limit  `json:"timeLimit,omitzero"` // effective
	}
	// Start says that talk and limit begin.
	Start struct {
		TimeLimit Limit `json:"timeLimit,omitzero"`
	}
	// Candidates is trickle ICE (RFC 8838).
	Candidates struct {
		Candidates []Candidate `json:"candidates"`
	}
	// Restart offers new ICE credentials; the fingerprint stays.
	Restart struct {
		Generation int    `json:"generation"` // 1 for the first
		SDP        string `json:"sdp"`
	}
	// Restarted answers Restart.
	Restarted struct {
		Generation int    `json:"generation"`
		SDP        string `json:"sdp"`
	}
	// NeedRestart asks for a Restart: only the phone ever offers.
	NeedRestart struct {
		Generation int         `json:"generation"`
		ICEServers []ICEServer `json:"iceServers,omitzero"` // fresh ones for it
	}
	// Data is the maker's own message before the talk.
	Data struct {
		Nonce   string         `json:"nonce"`
		At      float64        `json:"at"` // since Ringing came
		Right   Right          `json:"right,omitzero"`
		Payload jsontext.Value `json:"payload,omitzero"`
	}
	// Ring says that the device calls this phone.
	Ring struct {
		RoomType  RoomType `json:"roomType"`
		TimeLimit Limit    `json:"timeLimit,omitzero"`
		Query     string   `json:"query,omitzero"`
	}
	// Reject says no; it ends its room.
	Reject struct {
		Cause    cause.Cause `json:"cause"`
		Nonce    string      `json:"nonce,omitzero"`
		Versions []int       `json:"versions,omitzero"`
	}
	// Cancel stops the ringing.
	Cancel struct {
		Cause cause.Cause `json:"cause"`
	}
	// Bye says that the call is over; who sends it has stopped its media before.
	Bye struct {
		Cause  cause.Cause  `json:"cause"`
		Origin cause.Origin `json:"origin,omitzero"`
		Detail cause.Detail `json:"detail,omitzero"`
	}
	// Pair asks to become a contact. The envelope holds the key.
	Pair struct {
		Name string `json:"name"`
		MAC  string `json:"mac"`
	}
	// Paired says that the phone is a contact now. The envelope holds the key.
	Paired struct {
		Name   string  `json:"name"` // the device's
		Rights []Right `json:"rights"`
		MAC    string  `json:"mac"`
	}
	// Ping asks whether the device is here now.
	Ping struct {
		Nonce string `json:"nonce"`
	}
	// Pong answers Ping with its nonce, and says what the phone may do here now.
	Pong struct {
		Nonce  string  `json:"nonce"`
		Rights []Right `json:"rights,omitzero"` // nil: of a device that does not say
	}
	// Ack says that a message was received. It is never acknowledged itself.
	Ack struct {
		Error string `json:"error,omitzero"`
		Nonce string `json:"nonce,omitzero"` // the next one, for Data
	}
	// Push asks whether and how the device wakes this phone, and with a nonce of
	// Pushed changes that.
	Push struct {
		Nonce        string        `json:"nonce,omitzero"`
		Subscription *Subscription `json:"subscription,omitzero"`
		Remove       bool          `json:"remove,omitzero"`
	}
	// Pushed answers Push.
	Pushed struct {
		Key        string `json:"key,omitzero"` // applicationServerKey (RFC 8292, 3.2); "": the device does not push
		Nonce      string `json:"nonce,omitzero"`
		Subscribed bool   `json:"subscribed"`
		Error      string `json:"error,omitzero"` // the change was refused
	}
	// Subscription is a PushSubscription as its toJSON gives it.
	Subscription struct {
		Endpoint string           `json:"endpoint"`
		Keys     SubscriptionKeys `json:"keys"`
	}
	// SubscriptionKeys are those of RFC 8291, 2: a point and 16 bytes, as base64url.
	SubscriptionKeys struct {
		P256DH string `json:"p256dh"`
		Auth   string `json:"auth"`
	}
)

// Type returns the type in the envelope.
func (Invite) Type() Type { return TypeInvite }

// Type returns the type in the envelope.
func (Challenge) Type() Type { return TypeChallenge }

// Type returns the type in the envelope.
func (Offer) Type() Type { return TypeOffer }

// Type returns the type in the envelope.
func (Ringing) Type() Type { return TypeRinging }

// Type returns the type in the envelope.
func (Accept) Type() Type { return TypeAccept }

// Type returns the type in the envelope.
func (Start) Type() Type { return TypeStart }

// Type returns the type in the envelope.
func (Candidates) Type() Type { return TypeCandidates }

// Type returns the type in the envelope.
func (Restart) Type() Type { return TypeRestart }

// Type returns the type in the envelope.
func (Restarted) Type() Type { return TypeRestarted }

// Type returns the type in the envelope.
func (NeedRestart) Type() Type { return TypeNeedRestart }

// Type returns the type in the envelope.
func (Data) Type() Type { return TypeData }

// Type returns the type in the envelope.
func (Ring) Type() Type { return TypeRing }

// Type returns the type in the envelope.
func (Reject) Type() Type { return TypeReject }

// Type returns the type in the envelope.
func (Cancel) Type() Type { return TypeCancel }

// Type returns the type in the envelope.
func (Bye) Type() Type { return TypeBye }

// Type returns the type in the envelope.
func (Pair) Type() Type { return TypePair }

// Type returns the type in the envelope.
func (Paired) Type() Type { return TypePaired }

// Type returns the type in the envelope.
func (Ping) Type() Type { return TypePing }

// Type returns the type in the envelope.
func (Pong) Type() Type { return TypePong }

// Type returns the type in the envelope.
func (Ack) Type() Type { return TypeAck }

// Type returns the type in the envelope.
func (Push) Type() Type { return TypePush }

// Type returns the type in the envelope.
func (Pushed) Type() Type { return TypePushed }

// parseBody reads the members of type t out of a payload; nil for a type that is
// not known.
func parseBody(t Type, payload []byte) (Body, error) {
	switch t {
	case TypeInvite:
		return read[Invite](payload)
	case TypeChallenge:
		return read[Challenge](payload)
	case TypeOffer:
		return read[Offer](payload)
	case TypeRinging:
		return read[Ringing](payload)
	case TypeAccept:
		return read[Accept](payload)
	case TypeStart:
		return read[Start](payload)
	case TypeCandidates:
		return read[Candidates](payload)
	case TypeRestart:
		return read[Restart](payload)
	case TypeRestarted:
		return read[Restarted](payload)
	case TypeNeedRestart:
		return read[NeedRestart](payload)
	case TypeData:
		return read[Data](payload)
	case TypeRing:
		return read[Ring](payload)
	case TypeReject:
		return read[Reject](payload)
	case TypeCancel:
		return read[Cancel](payload)
	case TypeBye:
		return read[Bye](payload)
	case TypePair:
		return read[Pair](payload)
	case TypePaired:
		return read[Paired](payload)
	case TypePing:
		return read[Ping](payload)
	case TypePong:
		return read[Pong](payload)
	case TypeAck:
		return read[Ack](payload)
	case TypePush:
		return read[Push](payload)
	case TypePushed:
		return read[Pushed](payload)
	default:
		return nil, nil
	}
}

func read[B Body](payload []byte) (Body, error) {
	var b B
	if err := unmarshal(payload, &b); err != nil {
		return nil, fmt.Errorf("cannot read %s: %w: %w", b.Type(), err, ErrBadRequest)
	}
	if err := b.check(); err != nil {
		return nil, fmt.Errorf("cannot use %s: %w", b.Type(), err)
	}
	return b, nil
}
