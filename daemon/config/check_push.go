package config

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"callbox/signaling/push"
)

func checkPush(p push.Options, r report) {
	const at = "signaling.push."
	for i, host := range p.Hosts {
		name, port, err := net.SplitHostPort(host)
		if err != nil {
			name, port = host, "443"
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || !hostName.MatchString(name) {
			r(fmt.Sprintf("%shosts[%d]", at, i), fmt.Sprintf("%q is no host name; allowed: push.example.com, push.example.com:8443", host))
		}
	}
	if p.Enabled && len(p.Hosts) == 0 {
		r(at+"hosts", "is empty, so that no phone can subscribe; name a push service, or set signaling.push.enabled: false")
	}
	mail, isMail := strings.CutPrefix(p.Contact, "mailto:")
	if c := p.Contact; c != "" && (!isMail || !strings.Contains(mail, "@")) && !httpsURL(c) {
		r(at+"contact", fmt.Sprintf("%q is no contact; allowed: mailto:ops@example.com, https://example.com", c))
	}
	if w := p.Webhook; w.URL != "" {
		if !httpsURL(w.URL) {
			r(at+"webhook.url", "is no https URL without a user in it; allowed: https://backend.example.com/ring")
		}
		if w.SecretFile == "" {
			r(at+"webhook.secret_file", "is missing; needs a file or a systemd credential of at least 16 bytes, by which the backend knows the device")
		}
	}
	checkSecret(at+"webhook.secret_file", p.Webhook.SecretFile, r)
}

func httpsURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Scheme == "https" && u.Hostname() != "" && u.User == nil
}

// origin leaves of a URL what is no secret: paths and queries may hold keys.
func origin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	return u.Scheme + "://" + u.Host
}
