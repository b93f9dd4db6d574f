package message

import (
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/cause"
)

// MaxFrame is the size of a text frame of the data channel "callbox" in bytes.
const MaxFrame = 8 << 10

// Frame is one JSON object on the data channel. It is not signed: the signed
// fingerprints protect the channel.
//
//sumtype:decl
type Frame interface{ frame() Type }

// Types that only frames have.
const (
	typeInfo    Type = "info"
	typeDataAck Type = "dataAck"
)

// The frames. Those with the name of a message are its first copy and carry the
// id of the signed one.
type (
	// Info says what one side sends, on change and at most once a second.
	Info struct {
		Mic     bool   `json:"mic"`
		Camera  bool   `json:"camera"`
		Speaker bool   `json:"speaker"`
		Quality int    `json:"quality"`       // 0 (lost) to 4 (best)
		View    string `json:"view,omitzero"` // of the device: what the camera that is shown is called
	}
	// DataFrame is the maker's own message in a talk.
	DataFrame struct {
		ID      string         `json:"id"`
		Right   Right          `json:"right,omitzero"`
		Payload jsontext.Value `json:"payload,omitzero"`
	}
	// DataAck answers a DataFrame.
	DataAck struct {
		ID    string `json:"id"`
		Error string `json:"error,omitzero"`
	}
	// AcceptFrame is the first copy of Accept when Ringing held the SDP.
	AcceptFrame struct {
		ID        string `json:"id"`
		TimeLimit Limit  `json:"timeLimit,omitzero"`
	}
	// StartFrame is the first copy of Start.
	StartFrame struct {
		ID        string `json:"id"`
		TimeLimit Limit  `json:"timeLimit,omitzero"`
	}
	// ByeFrame is the first copy of Bye.
	ByeFrame struct {
		ID     string       `json:"id"`
		Cause  cause.Cause  `json:"cause"`
		Origin cause.Origin `json:"origin,omitzero"`
		Detail cause.Detail `json:"detail,omitzero"`
	}
	// UnknownFrame has a type that is not known; it is ignored.
	UnknownFrame struct{}
)

// maxView is how many characters a camera's label has at most.
const maxView = 64

func (Info) frame() Type         { return typeInfo }
func (DataFrame) frame() Type    { return TypeData }
func (DataAck) frame() Type      { return typeDataAck }
func (AcceptFrame) frame() Type  { return TypeAccept }
func (StartFrame) frame() Type   { return TypeStart }
func (ByeFrame) frame() Type     { return TypeBye }
func (UnknownFrame) frame() Type { return "" }

// EncodeFrame writes f. Errors: ErrTooLarge.
func EncodeFrame(f Frame) ([]byte, error) {
	p, err := join(struct {
		Type Type `json:"t"`
	}{f.frame()}, f)
	if err != nil {
		return nil, err
	}
	if len(p) > MaxFrame {
		return nil, fmt.Errorf("cannot send frame of %d bytes: %w", len(p), ErrTooLarge)
	}
	return p, nil
}

// ParseFrame reads one frame. Errors: ErrTooLarge, ErrMalformed.
func ParseFrame(text []byte) (Frame, error) {
	if len(text) > MaxFrame {
		return nil, fmt.Errorf("cannot read frame of %d bytes: %w", len(text), ErrTooLarge)
	}
	var head struct {
		Type Type `json:"t"`
	}
	if err := unmarshal(text, &head); err != nil {
		return nil, fmt.Errorf("cannot read frame: %w: %w", err, ErrMalformed)
	}
	switch head.Type {
	case typeInfo:
		return readFrame(text, func(f Info) bool {
			return f.Quality >= 0 && f.Quality <= 4 && utf8.RuneCountInString(f.View) <= maxView
		})
	case TypeData:
		return readFrame(text, func(f DataFrame) bool {
			return validFrameID(f.ID) && len(f.Payload) <= MaxPayload && len(f.Right) <= maxWord
		})
	case typeDataAck:
		return readFrame(text, func(f DataAck) bool { return validFrameID(f.ID) && len(f.Error) <= maxWord })
	case TypeAccept:
		return readFrame(text, func(f AcceptFrame) bool { return validID(f.ID) })
	case TypeStart:
		return readFrame(text, func(f StartFrame) bool { return validID(f.ID) })
	case TypeBye:
		return readFrame(text, func(f ByeFrame) bool {
			return validID(f.ID) && word("", string(f.Cause)).ok && len(f.Origin) <= maxWord && len(f.Detail) <= maxWord
		})
	default:
		return UnknownFrame{}, nil
	}
}

func readFrame[F Frame](text []byte, valid func(F) bool) (Frame, error) {
	var f F
	if err := unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("cannot read frame %s: %w: %w", f.frame(), err, ErrMalformed)
	}
	if !valid(f) {
		return nil, fmt.Errorf("cannot use frame %s: %w", f.frame(), ErrMalformed)
	}
	return f, nil
}

// validFrameID leaves the id of a data frame to who makes it.
func validFrameID(s string) bool { return s != "" && len(s) <= maxRoom }

// JSON returns c as it stands on the wire.
func (c Candidate) JSON() ([]byte, error) {
	p, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("cannot write candidate: %w", err)
	}
	return p, nil
}
