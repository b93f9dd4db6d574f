package token

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

// RoomType is message.Voice or message.Video.
type RoomType = message.RoomType

// Limit is a longest call; the zero value is none. LimitOf makes one.
type Limit = message.Limit

// Right is what a caller may do: "call", "auto" (be answered without a person),
// "unlock" (open the door). The last two count only where the device's configuration
// lets the issuer give them.
type Right = message.Right

// LimitOf is a limit of so many seconds: 0 < seconds <= 2^31, rounded up to whole
// milliseconds. Error: message.ErrBadRequest.
func LimitOf(seconds float64) (Limit, error) { return message.LimitOf(seconds) }

// Date is a NumericDate: seconds since 1970, which may have a fraction.
type Date float64

// maxDate is the end of the year 9999.
const maxDate = 253402300799

// DateOf is t as a whole number of seconds.
func DateOf(t time.Time) Date { return Date(t.Unix()) }

// Time is the date as Go has it, to the millisecond.
func (d Date) Time() time.Time { return time.UnixMilli(int64(math.Round(float64(d) * 1000))).UTC() }

// Claims are what a token says.
type Claims struct {
	Issuer     string       `json:"iss"`                // as the device's configuration calls it
	Audience   string       `json:"aud"`                // "d." and the device's serial number
	Subject    string       `json:"sub"`                // who calls, as the issuer calls them
	ID         string       `json:"jti"`                // of this token, never twice
	Issued     Date         `json:"iat"`                // when it was made
	Expires    Date         `json:"exp"`                // when it ends, at most MaxLife later
	RoomID     string       `json:"roomId"`             // the room that it is for
	RoomType   RoomType     `json:"roomType"`           // and its type
	TimeLimit  Limit        `json:"timeLimit,omitzero"` // the longest call; absent: none of the token's
	CallerName string       `json:"callerName"`         // shown on the device, where no contact has the key
	Rights     []Right      `json:"rights"`             // "call" and more
	Holder     Confirmation `json:"cnf"`                // whose token it is
	DKT        string       `json:"dkt"`                // thumbprint of the device's key
	Nonce      string       `json:"nonce,omitzero"`     // that the device gave out; for one that does not know the time
}

// Confirmation names the key that must be proved (RFC 7800, 3.1 and RFC 9449, 6.1).
type Confirmation struct {
	JKT string `json:"jkt"` // thumbprint of the phone's key
}

// wireClaims know the older name of roomId as well.
type wireClaims struct {
	Claims
	GroupID string `json:"groupId"`
}

// readClaims reads I-JSON: names match exactly, none stands twice, nothing is null.
func readClaims(payload []byte) (Claims, error) {
	var w wireClaims
	if err := json.Unmarshal(payload, &w, strict); err != nil {
		return Claims{}, fmt.Errorf("cannot read token: %w: %w", err, ErrMalformed)
	}
	c := w.Claims
	switch {
	case c.RoomID == "":
		c.RoomID = w.GroupID
	case w.GroupID != "" && w.GroupID != c.RoomID:
		return Claims{}, fmt.Errorf("cannot use roomId %q beside groupId %q: %w", c.RoomID, w.GroupID, ErrMalformed)
	}
	return c, c.check()
}

// check looks at each claim by itself.
func (c *Claims) check() error {
	sn, device := strings.CutPrefix(c.Audience, key.DeviceAddress(""))
	for _, rule := range []struct {
		claim string
		ok    bool
	}{
		{"iss", isWord(c.Issuer)},
		{"aud", device && key.CheckSN(sn) == nil},
		{"sub", isWord(c.Subject)},
		{"jti", isWord(c.ID)},
		{"iat", isDate(c.Issued)},
		{"exp", isDate(c.Expires)},
		{"roomId", message.ValidRoom(c.RoomID)},
		{"roomType", c.RoomType == message.Voice || c.RoomType == message.Video},
		{"callerName", message.ValidName(c.CallerName)},
		{"rights", len(c.Rights) <= maxRights && !slices.ContainsFunc(c.Rights, func(r Right) bool { return !isWord(string(r)) })},
		{"cnf", key.ValidJKT(c.Holder.JKT)},
		{"dkt", key.ValidJKT(c.DKT)},
		{"nonce", len(c.Nonce) <= maxWord},
	} {
		if !rule.ok {
			return fmt.Errorf("cannot use token: claim %s: %w", rule.claim, ErrMalformed)
		}
	}
	return nil
}

// isWord reports whether s may name an issuer, a subject or a token.
func isWord(s string) bool {
	return s != "" && len(s) <= maxWord && !strings.ContainsFunc(s, func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf) })
}

func isDate(d Date) bool { return d >= 0 && d <= maxDate }

// CheckLife reports whether the token's life is one that a device accepts; no clock
// is asked. Error: ErrLife.
func (c *Claims) CheckLife() error {
	if c.Expires <= c.Issued || float64(c.Expires)-float64(c.Issued) > MaxLife.Seconds() {
		return fmt.Errorf("cannot use token: exp is %v s after iat, and more than 0 and at most %v s are allowed: %w",
			float64(c.Expires)-float64(c.Issued), MaxLife.Seconds(), ErrLife)
	}
	return nil
}

// CheckTime compares the token with a clock that is right. Errors: ErrExpired,
// ErrAhead.
func (c *Claims) CheckTime(now time.Time) error {
	if left := c.Expires.Time().Sub(now); left <= 0 {
		return fmt.Errorf("cannot use token: %w %v ago", ErrExpired, (-left).Round(time.Second))
	}
	if ahead := c.Issued.Time().Sub(now); ahead > MaxAhead {
		return fmt.Errorf("cannot use token: it was issued in %v, and at most %v are allowed: %w", ahead.Round(time.Second), MaxAhead, ErrAhead)
	}
	return nil
}

// Pass is a token that a device has verified.
type Pass struct {
	Claims
	KID string // name of the issuer's key
}

// Call is what a token must be for.
type Call struct {
	SN       string // of the device
	DKT      string // thumbprint of the device's key
	Phone    string // thumbprint of the sender's key
	RoomID   string // of the invite
	RoomType RoomType
}

// CheckCall compares the token with a call, in the order of docs/protocol.md. Errors:
// ErrDevice, ErrRoom, ErrHolder.
func (c *Claims) CheckCall(call Call) error {
	switch {
	case c.Audience != key.DeviceAddress(call.SN):
		return fmt.Errorf("cannot use token: aud is %q, and this device is %q: %w", c.Audience, key.DeviceAddress(call.SN), ErrDevice)
	case c.DKT != call.DKT:
		return fmt.Errorf("cannot use token: dkt is %q, and the device's key is %q: %w", c.DKT, call.DKT, ErrDevice)
	case c.RoomID != call.RoomID:
		return fmt.Errorf("cannot use token: roomId is %q, and the invite's is %q: %w", c.RoomID, call.RoomID, ErrRoom)
	case c.RoomType != call.RoomType:
		return fmt.Errorf("cannot use token: roomType is %q, and the invite's is %q: %w", c.RoomType, call.RoomType, ErrRoom)
	case c.Holder.JKT != call.Phone:
		return fmt.Errorf("cannot use token: cnf.jkt is %q, and the sender's key is %q: %w", c.Holder.JKT, call.Phone, ErrHolder)
	}
	return nil
}

var errNull = errors.New("null where a value belongs")

// strict refuses null: absent is how a claim is left out.
var strict = json.WithUnmarshalers(json.JoinUnmarshalers(
	notNull[string](), notNull[Date](), notNull[Limit](), notNull[RoomType](), notNull[Right](), notNull[[]Right](), notNull[Confirmation](),
))

func notNull[T any]() *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(dec *jsontext.Decoder, _ *T) error {
		if dec.PeekKind() == 'n' {
			return errNull
		}
		return errors.ErrUnsupported // go on in the usual way
	})
}
