package control

// RelayIn is a message of a phone to this device: POST /v1/relay.
type RelayIn struct {
	From    string `json:"from"`    // the phone's address: p. and the thumbprint of its key
	Message string `json:"message"` // as the phone made it, 32 KiB at most
}

// RelayOut is a message of this device to a phone: GET /v1/relay.
type RelayOut struct {
	To      string `json:"to"`      // the phone's address
	Message string `json:"message"` // to be handed to the phone as it is
}

// EventRelay is the name of the events of GET /v1/relay; their data is a RelayOut.
const EventRelay = "relay"
