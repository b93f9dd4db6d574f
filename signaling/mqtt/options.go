package mqtt

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// DefaultPrefix stands before all topics when the configuration says nothing.
const DefaultPrefix = "callbox/1"

// maxPrefix is how many levels a prefix may have: AWS IoT Core takes topics of at
// most seven slashes, and three follow.
const (
	maxPrefix      = 5
	maxPrefixBytes = 64
)

// Options is the signaling.mqtt section of the configuration.
type Options struct {
	// Enabled says whether the device speaks to phones over an MQTT 5 broker.
	Enabled bool `mapstructure:"enabled"`
	// Brokers are the broker's URLs, tried in turn, the first one first:
	// mqtts://host:8883, wss://host/mqtt, and without encryption mqtt://host:1883,
	// ws://host/mqtt.
	Brokers []string `mapstructure:"brokers"`
	// PhoneBrokers are the URLs of the same broker for phones, whose browsers speak MQTT
	// over WebSockets only: wss://host/mqtt, or ws://127.0.0.1:9001 for a browser on
	// this machine. They stand in pairing codes; at most 8. Empty: pages do not use the
	// broker.
	PhoneBrokers []string `mapstructure:"phone_brokers"`
	// User is the name of the device's login. Empty: the device's address, d.<sn>,
	// which is its client id in any case.
	User string `mapstructure:"user"`
	// PasswordFile holds the password, on one line: an absolute path, or the name of a
	// systemd credential: callbox.broker-password. It is read again at every connect.
	// Empty: no password.
	PasswordFile string `mapstructure:"password_file"`
	// CA is a PEM file of the authorities that may vouch for the broker. Empty: the
	// system's.
	CA string `mapstructure:"ca"`
	// ClientCertificate is a PEM file with which the device shows itself to the
	// broker: the leaf first, then the chain. It is read again at every connect.
	// Empty: none.
	ClientCertificate string `mapstructure:"client_certificate"`
	// ClientKey is the PEM file of the client certificate's private key.
	ClientKey string `mapstructure:"client_key"`
	// Prefix stands before all topics: one to five levels, at most 64 bytes.
	Prefix string `mapstructure:"prefix"`
}

// DefaultOptions is what is used when the configuration says nothing.
func DefaultOptions() Options { return Options{Prefix: DefaultPrefix} }

// ErrURL means that a text is no URL of a broker.
var ErrURL = errors.New("not the URL of a broker")

// ports are those of the schemes.
var ports = map[string]string{"mqtt": "1883", "mqtts": "8883", "ws": "80", "wss": "443"}

// ParseBroker reads a broker's URL. Errors: ErrURL.
func ParseBroker(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("cannot use broker %q: %w; write it like mqtts://broker.example.com:8883", text, ErrURL)
	}
	u.Scheme = strings.ToLower(u.Scheme)
	port, known := ports[u.Scheme]
	web := u.Scheme == "ws" || u.Scheme == "wss"
	switch {
	case !known:
		return nil, fmt.Errorf("cannot use broker %q: %w; the scheme must be mqtts, wss, mqtt or ws", text, ErrURL)
	case u.User != nil:
		return nil, fmt.Errorf("cannot use broker %q: %w; the password belongs in a file (signaling.mqtt.password_file)", u.Redacted(), ErrURL)
	case u.Hostname() == "" || u.Opaque != "" || u.Fragment != "":
		return nil, fmt.Errorf("cannot use broker %q: %w; it names no host", text, ErrURL)
	case !web && (strings.Trim(u.Path, "/") != "" || u.RawQuery != ""):
		return nil, fmt.Errorf("cannot use broker %q: %w; only ws and wss have a path", text, ErrURL)
	}
	u.Host = net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), port))
	if !web {
		u.Path = ""
	}
	return u, nil
}

// Readable reports whether who listens on the way to the broker can read the
// password: it is not encrypted and not on this machine.
func Readable(u *url.URL) bool {
	if u.Scheme == "mqtts" || u.Scheme == "wss" {
		return false
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() != "localhost" && (err != nil || !addr.IsLoopback())
}

// CheckPrefix says what is wrong with a prefix of topics, nil when nothing is.
func CheckPrefix(prefix string) error {
	levels := strings.Split(prefix, "/")
	switch {
	case prefix == "" || len(prefix) > maxPrefixBytes || len(levels) > maxPrefix:
		return fmt.Errorf("cannot use prefix %q: it must have 1 to %d levels and at most %d bytes", prefix, maxPrefix, maxPrefixBytes)
	case strings.HasPrefix(prefix, "$"):
		return fmt.Errorf("cannot use prefix %q: topics that begin with $ are the broker's", prefix)
	}
	const allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	for _, level := range levels {
		if level == "" || strings.ContainsFunc(level, func(c rune) bool { return !strings.ContainsRune(allowed, c) }) {
			return fmt.Errorf("cannot use prefix %q: its levels must not be empty and may have A-Z a-z 0-9 . _ -", prefix)
		}
	}
	return nil
}
