package media

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the HMAC that TURN servers check: draft-uberti-behave-turn-rest-00, 2.2
	"encoding/base64"
	"errors"
	"strconv"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"
)

// TURNCredentials makes the username and the password that a TURN server with the
// same secret takes until expires, by its clock (draft-uberti-behave-turn-rest-00,
// 2.2; coturn: use-auth-secret). user is what the server's log shows: no ":".
func TURNCredentials(secret []byte, user string, expires time.Time) (username, password string) {
	username = strconv.FormatInt(expires.Unix(), 10) + ":" + user
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(username))
	return username, base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// iceConfiguration is what pion is told of ICE, with the servers as they are now.
func (s *Session) iceConfiguration() webrtc.Configuration {
	var c webrtc.Configuration
	if s.engine.opts.ICE.RelayOnly {
		c.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	}
	if s.cfg.ICEServers == nil {
		return c
	}
	for _, v := range s.cfg.ICEServers() {
		c.ICEServers = append(c.ICEServers, webrtc.ICEServer{URLs: v.URLs, Username: v.Username, Credential: v.Credential})
	}
	return c
}

// refusal tells a person of a TURN server that says no to the device itself. pion
// has no event for it, only the error among what it logs.
func (l pionScope) refusal(a []any) {
	for _, v := range a {
		var refused *stun.TurnError
		if err, ok := v.(error); !ok || !errors.As(err, &refused) {
			continue
		}
		remedy := turnRemedy(refused.ErrorCodeAttr.Code)
		if remedy == "" {
			return
		}
		l.log.Warn().Int("code", int(refused.ErrorCodeAttr.Code)).Str("reason", string(refused.ErrorCodeAttr.Reason)).
			Msg("a TURN server refused the device: " + remedy)
		return
	}
}

// turnRemedy says what to do about an error of RFC 8489, 14.8, or RFC 8656, 19; ""
// for those that concern one address of the phone or that pion deals with.
func turnRemedy(code stun.ErrorCode) string {
	switch code {
	case stun.CodeUnauthorized, stun.CodeWrongCredentials:
		return "check the secret or the password in media.ice, and the clocks of device and server"
	case stun.CodeAllocQuotaReached, stun.CodeInsufficientCapacity:
		return "its quota is used up"
	default:
		return ""
	}
}
