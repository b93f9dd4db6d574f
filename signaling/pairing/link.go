package pairing

import (
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"

	"callbox/signaling/base64url"
	"callbox/signaling/key"
)

// SecretSize is the length of a window's secret in bytes.
const SecretSize = 16

// MaxEndpoints is how many endpoints of a link a phone reads; one with more is none
// to it.
const MaxEndpoints = 16

const fragmentPrefix = "#pair="

// ErrLink means that a text is no pairing link.
var ErrLink = errors.New("not a pairing link")

// Link is what a person carries to the phone, in a URL's fragment: it never
// reaches a server.
type Link struct {
	SN        string   `json:"sn"`
	DKT       string   `json:"dkt"`
	Secret    string   `json:"secret"`    // base64url
	Endpoints []string `json:"endpoints"` // URLs at which the device is reached
}

// Fragment returns the link as the end of a URL, "#pair=…".
func (l Link) Fragment() (string, error) {
	p, err := json.Marshal(l)
	if err != nil {
		return "", fmt.Errorf("cannot write pairing link: %w", err)
	}
	return fragmentPrefix + base64url.Encode(p), nil
}

// ParseLink reads a URL that ends with a link, or the fragment alone. Errors:
// ErrLink.
func ParseLink(url string) (Link, error) {
	_, text, ok := strings.Cut(url, fragmentPrefix)
	p, err := base64url.Decode(text)
	if !ok || err != nil {
		return Link{}, fmt.Errorf("cannot read pairing link: %w", ErrLink)
	}
	var l Link
	if err := json.Unmarshal(p, &l); err != nil {
		return Link{}, fmt.Errorf("cannot read pairing link: %w: %w", err, ErrLink)
	}
	secret, err := base64url.Decode(l.Secret)
	if err != nil || len(secret) < SecretSize || key.CheckSN(l.SN) != nil || !key.ValidJKT(l.DKT) {
		return Link{}, fmt.Errorf("cannot use pairing link: %w", ErrLink)
	}
	return l, nil
}
