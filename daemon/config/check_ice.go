package config

import (
	"fmt"
	"strings"
	"time"

	"callbox/media/options"
)

func checkICE(ice options.ICE, r report) {
	turn, unnamed := 0, 0
	for i, s := range ice.Servers {
		at := fmt.Sprintf("media.ice.servers[%d]", i)
		if len(s.URLs) == 0 {
			r(at+".urls", "is missing; needs a list such as [\"stun:stun.example.com:3478\"]")
		}
		relays := false
		for j, u := range s.URLs {
			scheme, rest, _ := strings.Cut(u, ":")
			if rest == "" || strings.HasPrefix(rest, "//") || strings.ContainsAny(rest, " \t") {
				scheme = ""
			}
			switch scheme {
			case "turn", "turns":
				relays = true
			case "stun", "stuns":
			default:
				r(fmt.Sprintf("%s.urls[%d]", at, j), fmt.Sprintf("%q is no STUN or TURN URL; allowed: stun:host:port, turn:host:port, stuns:, turns: (RFC 7064, 7065)", u))
			}
		}
		if !relays {
			continue
		}
		turn++
		switch {
		case s.Username == "" && s.Credential == "" && ice.TURNSecretFile != "":
			unnamed++
		case s.Username == "" || s.Credential == "":
			r(at, "has a TURN URL but no username or credential; needs both, or media.ice.turn_secret_file and neither")
		}
	}
	checkSecret("media.ice.turn_secret_file", ice.TURNSecretFile, r)
	if ice.TURNSecretFile != "" && unnamed == 0 {
		r("media.ice.turn_secret_file", "is of no use: media.ice.servers has no TURN server without a username")
	}
	if ice.TURNLife < 10*time.Second || ice.TURNLife > 10*time.Minute {
		r("media.ice.turn_life", fmt.Sprintf("%s is out of range; allowed: 10s to 10m", ice.TURNLife))
	}
	if ice.RelayOnly && turn == 0 {
		r("media.ice.relay_only", "is true, but media.ice.servers has no TURN server: no call could connect")
	}
}
