package media

import (
	"fmt"
	"strings"

	"github.com/pion/sdp/v3"
	"github.com/pion/webrtc/v4"
)

// direction of a media section, as seen by its sender.
type direction struct{ send, receive bool }

func (d direction) String() string {
	switch {
	case d.send && d.receive:
		return sdp.AttrKeySendRecv
	case d.send:
		return sdp.AttrKeySendOnly
	case d.receive:
		return sdp.AttrKeyRecvOnly
	default:
		return sdp.AttrKeyInactive
	}
}

// restrictOffer takes out of a phone's offer what the device cannot do: its
// sections become at most what ours maps their kind to, seen by the device. pion
// answers sendrecv to sendrecv, even when its own transceiver is sendonly; an
// answer may always be less than its offer (RFC 3264, 6.1), and this is the place
// where pion lets that be said. A section of video without any of codecs becomes
// inactive: pion would take an H.264 that is not ours, when there is nothing better.
func restrictOffer(offer string, ours map[string]direction, codecs []*videoCodec) (string, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(offer); err != nil {
		return "", fmt.Errorf("%w: %w", ErrBadOffer, err)
	}
	for _, m := range d.MediaDescriptions {
		we, known := ours[m.MediaName.Media]
		if !known {
			if m.MediaName.Media == "application" {
				continue
			}
			we = direction{}
		}
		if m.MediaName.Media == "video" && preferred(codecs, formatsOf(m)) == nil {
			we = direction{}
		}
		phone := directionOf(m, d.Attributes)
		phone.send = phone.send && we.receive
		phone.receive = phone.receive && we.send
		setDirection(m, phone)
	}
	out, err := d.Marshal()
	if err != nil {
		return "", fmt.Errorf("cannot write the phone's offer: %w", err)
	}
	return string(out), nil
}

// formatsOf are the codecs of a section.
func formatsOf(m *sdp.MediaDescription) []webrtc.RTPCodecParameters {
	formats := map[string]string{}
	for _, a := range m.Attributes {
		if payload, format, ok := strings.Cut(a.Value, " "); ok && a.Key == "fmtp" {
			formats[payload] = format
		}
	}
	var out []webrtc.RTPCodecParameters
	for _, a := range m.Attributes {
		payload, name, _ := strings.Cut(a.Value, " ")
		name, _, ok := strings.Cut(name, "/")
		if a.Key == "rtpmap" && ok {
			out = append(out, webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{
				MimeType: m.MediaName.Media + "/" + name, SDPFmtpLine: formats[payload],
			}})
		}
	}
	return out
}

// directionOf reads a section's direction: its own, else the session's, else
// sendrecv (RFC 8866, 6.7).
func directionOf(m *sdp.MediaDescription, session []sdp.Attribute) direction {
	for _, list := range [][]sdp.Attribute{m.Attributes, session} {
		for _, a := range list {
			switch a.Key {
			case sdp.AttrKeySendRecv:
				return direction{true, true}
			case sdp.AttrKeySendOnly:
				return direction{send: true}
			case sdp.AttrKeyRecvOnly:
				return direction{receive: true}
			case sdp.AttrKeyInactive:
				return direction{}
			}
		}
	}
	return direction{true, true}
}

func setDirection(m *sdp.MediaDescription, d direction) {
	kept := m.Attributes[:0]
	for _, a := range m.Attributes {
		switch a.Key {
		case sdp.AttrKeySendRecv, sdp.AttrKeySendOnly, sdp.AttrKeyRecvOnly, sdp.AttrKeyInactive:
		default:
			kept = append(kept, a)
		}
	}
	m.Attributes = append(kept, sdp.NewPropertyAttribute(d.String()))
}

// ufrags returns the ICE user fragments of a description.
func ufrags(text string) map[string]bool {
	var d sdp.SessionDescription
	out := map[string]bool{}
	if d.UnmarshalString(text) != nil {
		return out
	}
	if v, ok := d.Attribute("ice-ufrag"); ok {
		out[v] = true
	}
	for _, m := range d.MediaDescriptions {
		if v, ok := m.Attribute("ice-ufrag"); ok {
			out[v] = true
		}
	}
	return out
}
