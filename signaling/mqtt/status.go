package mqtt

import (
	"errors"
	"fmt"
	"net/url"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

// Status is how the transport is.
type Status struct {
	Up        bool   // connected, and messages reach the device
	Broker    string // URL of the broker that is connected, else ""
	Problem   string // why it is not up, or what does not work; "" when all is well
	Connected uint64 // connections since Start
}

// Reason codes of MQTT 5 (2.4) that a person can do something about.
const (
	codeGrantedQoS1    = 0x01
	codeUnsupported    = 0x84 // protocol version
	codeClientID       = 0x85
	codeBadLogin       = 0x86
	codeNotAuthorised  = 0x87
	codeServerBusy     = 0x89
	codeShuttingDown   = 0x8B
	codeKeepAlive      = 0x8D
	codeTakenOver      = 0x8E
	codePacketTooLarge = 0x95
	codeFailure        = 0x80 // from here on codes are errors
)

// refusedLogin says why a broker did not let the device in.
func refusedLogin(u *url.URL, user string, err error) string {
	var connack *autopaho.ConnackError
	if !errors.As(err, &connack) {
		if inner := errors.Unwrap(err); inner != nil { // autopaho names the broker, too
			err = inner
		}
		return failure(u, err)
	}
	why := ""
	switch connack.ReasonCode {
	case codeBadLogin, codeNotAuthorised:
		why = fmt.Sprintf("it does not know the user %q with this password; see signaling.mqtt.password_file, and the broker's users", user)
	case codeUnsupported:
		why = "it does not speak MQTT 5"
	case codeClientID:
		why = "it does not take this device's address for a client id"
	case codePacketTooLarge:
		why = "the login is too large for it"
	default:
		why = fmt.Sprintf("reason code 0x%02x", connack.ReasonCode)
	}
	if connack.Reason != "" {
		why += " (" + connack.Reason + ")"
	}
	return fmt.Sprintf("the broker %s refuses the device: %s", u.Scheme+"://"+u.Host+u.Path, why)
}

// disconnected says why a broker has ended a connection.
func disconnected(d *paho.Disconnect) string {
	switch d.ReasonCode {
	case codeTakenOver:
		return "the broker has ended the connection: another client has logged in with this device's address; is the same configuration on two devices?"
	case codeShuttingDown:
		return "the broker has ended the connection: it is shutting down"
	case codeKeepAlive:
		return "the broker has ended the connection: it has heard nothing of the device"
	case codeNotAuthorised:
		return "the broker has ended the connection: the device may not use it any more"
	}
	return fmt.Sprintf("the broker has ended the connection: reason code 0x%02x", d.ReasonCode)
}
