package message

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxLimit is the largest time limit in seconds.
const maxLimit = 1 << 31

// Limit is a wish or a rule for a call's length. The zero value is none: "none"
// is a flag of its own, never a duration of 0.
//
// On the wire it is a JSON number of seconds, 0 < x <= 2^31, rounded up to whole
// milliseconds, and absent for none.
type Limit struct {
	Set      bool
	Duration time.Duration // > 0 and whole milliseconds when Set
}

// LimitOf reads seconds as the wire does. Errors: ErrBadRequest.
func LimitOf(seconds float64) (Limit, error) {
	if !(seconds > 0 && seconds <= maxLimit) { // NaN too
		return Limit{}, fmt.Errorf("cannot use time limit %v: %w; it must be over 0 and at most 2^31 s", seconds, ErrBadRequest)
	}
	return Limit{Set: true, Duration: roundUp(seconds)}, nil
}

// roundUp works on the decimal digits: 0.07 s is 70 ms, although the double next
// to it is larger and its product with 1000 larger still.
func roundUp(seconds float64) time.Duration {
	whole, fraction, _ := strings.Cut(strconv.FormatFloat(seconds, 'f', -1, 64), ".")
	ms, rest := (fraction + "000")[:3], ""
	if len(fraction) > 3 {
		rest = fraction[3:]
	}
	n, err := strconv.ParseInt(whole+ms, 10, 64)
	if err != nil { // at most 13 digits
		panic(err)
	}
	if strings.Trim(rest, "0") != "" {
		n++
	}
	return time.Duration(n) * time.Millisecond
}

// Seconds is the limit as the wire has it; 0 when there is none.
func (l Limit) Seconds() float64 { return float64(l.Duration.Milliseconds()) / 1000 }

// MarshalJSONTo writes seconds. A limit that is not set must be omitted.
func (l Limit) MarshalJSONTo(enc *jsontext.Encoder) error {
	return json.MarshalEncode(enc, l.Seconds())
}

// UnmarshalJSONFrom refuses everything but a number in the range.
func (l *Limit) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	var seconds float64
	if err := json.UnmarshalDecode(dec, &seconds); err != nil {
		return err
	}
	limit, err := LimitOf(seconds)
	*l = limit
	return err
}
