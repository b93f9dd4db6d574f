package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"syscall"
	"time"
)

// Times of one request; the ring's end is the end of all.
const (
	dialTimeout    = 5 * time.Second  // to connect, and once more for TLS
	answerTimeout  = 10 * time.Second // for one try, all of it
	firstPause     = time.Second      // between tries, then twice as long each time
	longestPause   = 10 * time.Second // a phone rings for a minute
	idleConnection = 30 * time.Second
)

// maxAnswer is how much of an answer is read, in bytes: for the log.
const maxAnswer = 512

// ErrAddress means that a name leads where the device does not post.
var ErrAddress = errors.New("address not allowed")

// refused are the addresses that nothing public has (IANA's registries of special
// purpose), and those in which another address can hide.
var refused = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
	"192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/3",
	"::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
	"2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// public reports whether an address may be posted to.
func public(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range refused {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsValid()
}

// guard looks at each address that a name was resolved to, just before it is
// connected to: there is no time in between in which the name could lead elsewhere.
func guard(_, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("cannot connect to %s: %w", address, ErrAddress)
	}
	if !public(a.Addr()) {
		return fmt.Errorf("cannot connect to %s, which is not public: %w", a.Addr(), ErrAddress)
	}
	return nil
}

// newClient speaks https to public addresses, and to all when private is set. It
// uses no proxy, which would connect in its place, and follows no redirect.
func newClient(private bool, roots *x509.CertPool, wall func() time.Time) *http.Client {
	d := &net.Dialer{Timeout: dialTimeout, Control: guard}
	if private {
		d.Control = nil
	}
	return &http.Client{
		Timeout:       answerTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: d.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: dialTimeout,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Time: wall},
			MaxResponseHeaderBytes: 16 << 10, IdleConnTimeout: idleConnection, MaxIdleConns: 4,
		},
	}
}

// errAgain means that a later try may do better.
type errAgain struct {
	error
	after time.Duration // what the server asks for; 0: nothing
}

func (e errAgain) Unwrap() error { return e.error }

// retried calls try until it succeeds, fails for good or ctx ends.
func retried(ctx context.Context, try func() error) error {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := try()
		var again errAgain
		if err == nil || !errors.As(err, &again) {
			return err
		}
		wait := max(pause, again.after) + rand.N(pause/4) //nolint:gosec // spreads tries, hides nothing
		if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
			return fmt.Errorf("%w; no time is left for another try", err)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%w; %w", err, context.Cause(ctx))
		}
	}
}

// post sends one request and sorts its answer: nil, errAgain, or what stays wrong.
func post(c *http.Client, r *http.Request) (status int, err error) {
	answer, err := c.Do(r)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) { // the path is for the log as little as a password
			err = fmt.Errorf("cannot reach %s: %w", r.URL.Host, whole.Err)
		}
		if errors.Is(err, ErrAddress) || r.Context().Err() != nil {
			return 0, err
		}
		return 0, errAgain{error: err}
	}
	defer answer.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // for a person only
	if answer.StatusCode/100 == 2 {
		return answer.StatusCode, nil
	}
	err = fmt.Errorf("%s answers %s: %q", r.URL.Host, answer.Status, said)
	if answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode/100 == 5 {
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After")) // a date counts as nothing
		err = errAgain{error: err, after: time.Duration(min(max(seconds, 0), 3600)) * time.Second}
	}
	return answer.StatusCode, err
}
