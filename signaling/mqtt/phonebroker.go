package mqtt

import (
	"fmt"
	"net/url"
)

// MaxPhoneBrokers is how many URLs of the broker a pairing code may name.
const MaxPhoneBrokers = 8

// CheckPhoneBroker says what is wrong with the URL of a broker for phones, nil when
// nothing is. Errors: ErrURL.
func CheckPhoneBroker(text string) error {
	u, err := ParseBroker(text)
	switch {
	case err != nil:
		return err
	case u.Scheme != "wss" && u.Scheme != "ws":
		return fmt.Errorf("cannot use broker %q for phones: %w that a browser can reach; write it like wss://broker.example.com/mqtt", text, ErrURL)
	case Readable(u):
		return fmt.Errorf("cannot use broker %q for phones: %w that a page on https may open; use wss://, ws:// is for 127.0.0.1 and localhost", text, ErrURL)
	case u.Query().Has(prefixQuery):
		return fmt.Errorf("cannot use broker %q for phones: %w; the prefix belongs in signaling.mqtt.prefix", text, ErrURL)
	}
	return nil
}

const prefixQuery = "prefix"

// PhoneEndpoints are the broker's URLs as a pairing code names them, for example
// mqtt+wss://broker.example.com/mqtt?prefix=acme/doors: whoever does not know the
// scheme passes them over. The prefix is left out when it is DefaultPrefix.
func (o Options) PhoneEndpoints() []string {
	var endpoints []string
	for _, text := range o.PhoneBrokers {
		u, err := url.Parse(text)
		if err != nil {
			continue // the configuration was checked
		}
		if o.Prefix != DefaultPrefix {
			query := prefixQuery + "=" + o.Prefix // of characters that stand in a query as they are
			if u.RawQuery != "" {
				query = u.RawQuery + "&" + query
			}
			u.RawQuery = query
		}
		endpoints = append(endpoints, "mqtt+"+u.String())
	}
	return endpoints
}
