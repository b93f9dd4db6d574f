package control

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// access says what a route does, and so who may use it. The socket's mode lets in
// root, the daemon's user and the members of its group, and these may use all
// three; a browser may use none, whoever runs it.
type access int

const (
	noAccess access = iota // the zero value is refused
	// readAccess changes nothing and shows nobody's picture.
	readAccess
	// operateAccess is what a person at the device may do: calls, the volume.
	operateAccess
	// adminAccess is what the device's owner may do: who may call, the configuration.
	adminAccess
)

func (a access) String() string {
	switch a {
	case readAccess:
		return "read"
	case operateAccess:
		return "operate"
	case adminAccess:
		return "admin"
	case noAccess:
	}
	return "none"
}

// hosts are the names by which a request may call this API. A page that has been
// rebound to it (DNS rebinding) uses a name of its own.
var hosts = []string{"", "localhost", "callbox", "unix"}

// allowed refuses what comes from a browser, what was meant for another host, and
// peers that the kernel does not name.
func allowed(a access, who peer, req *http.Request) error {
	switch {
	case a != readAccess && a != operateAccess && a != adminAccess:
		return errForbidden.With("the route does not say who may use it")
	case !who.known:
		return errForbidden.With("cannot tell who asks")
	case !slices.Contains(hosts, hostName(req.Host)):
		return errForbidden.With("requests for another host are refused; allowed: localhost, callbox, unix, or none")
	}
	for name := range req.Header {
		if name == "Origin" || strings.HasPrefix(name, "Sec-Fetch-") {
			return errForbidden.With("requests of a browser are refused")
		}
	}
	return nil
}

// hostName is host without its port.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(host)
}
