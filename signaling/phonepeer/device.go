package phonepeer

import (
	"net/url"
	"slices"
	"strings"

	"callbox/signaling/key"
	"callbox/signaling/message"
)

// Device is what a phone keeps of a device that it was paired with.
type Device struct {
	SN        string
	DKT       string // thumbprint of the device's key: who it is
	Name      string // as the device calls itself; "" when it was not paired here
	Endpoints []string
	Rights    []message.Right // that pairing gave
}

// check refuses what is no device. Errors: ErrArgument.
func (d *Device) check() error {
	if err := key.CheckSN(d.SN); err != nil {
		return badArgument("device", err.Error())
	}
	if !key.ValidJKT(d.DKT) {
		return badArgument("device", "DKT is no thumbprint")
	}
	if len(socketURLs(d.Endpoints)) == 0 {
		return badArgument("device", "no endpoint is a http(s) or ws(s) URL")
	}
	return nil
}

// socketURLs are the WebSocket addresses of endpoints, each once.
func socketURLs(endpoints []string) []string {
	var all []string
	for _, e := range endpoints {
		if u := socketURL(e); u != "" && !slices.Contains(all, u) && len(all) < maxEndpoints {
			all = append(all, u)
		}
	}
	return all
}

// socketURL is the WebSocket address of an endpoint; a bare origin gets the path
// /signal. It is "" for what is no http(s) or ws(s) URL.
func socketURL(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil {
		return ""
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return ""
	}
	if !strings.HasSuffix(u.Path, signalPath) {
		u.Path = strings.TrimRight(u.Path, "/") + signalPath
	}
	u.RawQuery, u.Fragment, u.RawFragment = "", "", ""
	return u.String()
}
