package signaling_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"callbox/hal/clock"
	"callbox/signaling"
	"callbox/signaling/key"
	"callbox/signaling/signalingtest"
	"callbox/signaling/token/gate"
)

// noBudget is a clock by which budgets are always full: each look is later than the
// last. Messages come so fast in a benchmark that they would be refused for rate.
type noBudget struct {
	clock.Clock
	now time.Duration
}

func (c *noBudget) Now() time.Duration { c.now += time.Second; return c.now }

// cpuTime is what the process has used. What other programs use does not count, but a core
// that is shared with them does less in the same time.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &ts); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ts.Nano())
}

// What refusing a forged invite may cost: on a PC, and where a machine is slower or busy,
// in verifications of a signature (ECDSA, P-256), of which each is measured beside one.
const (
	refusalCost   = 300 * time.Microsecond
	refusalChecks = 5
)

// newVerification returns what verifies a signature once.
func newVerification(b *testing.B) func() {
	b.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("callbox"))
	signature, err := ecdsa.SignASN1(rand.Reader, k, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	return func() {
		if !ecdsa.VerifyASN1(&k.PublicKey, digest[:], signature) {
			b.Fatal("a good signature is refused")
		}
	}
}

// BenchmarkForgedInvite is what it costs to refuse an invite: the one over the budget,
// the strangers', and those that carry a token which is found to be wrong as late as
// possible. It fails where that is refusalCost or more, and refusalChecks or more.
func BenchmarkForgedInvite(b *testing.B) {
	k, err := key.New()
	if err != nil {
		b.Fatal(err)
	}
	maker := signalingtest.NewIssuer(b, makerName)
	file := filepath.Join(b.TempDir(), "maker.json")
	maker.Publish(file)
	p := signalingtest.NewPhone(b, sn, k.JKT())
	other := signalingtest.NewIssuer(b, makerName)
	with := func(text string, changes ...signalingtest.Change) string {
		return p.Invite(roomID, append(changes, carries(text))...)
	}
	contact := signalingtest.NewPhone(b, sn, k.JKT())
	for name, text := range map[string]string{
		"stranger":             p.Invite(roomID),
		"not a token":          with("hello"),
		"unknown issuer":       with(maker.Token(p, roomID, signalingtest.With(members{"iss": "x"}))),
		"foreign key":          with(maker.Token(p, roomID, signalingtest.SignedBy(other.Key.Private))),
		"another device":       with(maker.Token(p, roomID, signalingtest.With(members{"aud": "d.x"}))),
		"expired":              with(maker.Token(p, roomID, signalingtest.With(members{"iat": 1, "exp": 2}))),
		"good token, stolen":   with(maker.Token(p, roomID), signalingtest.SignedBy(other.Key.Private)),
		"contact, foreign key": contact.Invite(roomID, signalingtest.SignedBy(other.Key.Private)),
		// These two are a contact's own: they cost a signature for the answer.
		"contact, wrong token": contact.Invite(roomID, carries(maker.Token(contact, roomID, signalingtest.SignedBy(other.Key.Private)))),
		"contact, old nonce":   contact.Offer(roomID, "bm9uY2U", contact.Invite(roomID), signalingtest.SDP{}.String()),
	} {
		b.Run(name, func(b *testing.B) {
			boot := &noBudget{Clock: clock.Go()}
			l := &ledger{spent: map[string]bool{}, denied: map[string]bool{}}
			floor := clock.NewFloor(clock.FloorOptions{Wall: time.Now, Trusted: func() bool { return true }, Store: l})
			g, err := gate.New(gate.Options{
				SN: sn, DKT: k.JKT(), Issuers: []gate.Issuer{{Name: makerName, File: file}}, Book: l, Boot: boot, Wall: floor, Log: zerolog.Nop(),
			})
			if err != nil {
				b.Fatal(err)
			}
			known := &book{contacts: map[string]signaling.Contact{}}
			known.put(contact, signaling.RightCall)
			d, err := signaling.NewDevice(signaling.Options{
				Key: k, SN: sn, Name: deviceName, Contacts: known, Tokens: g, Clock: boot, Log: zerolog.Nop(), Emit: func(signaling.Event) {},
			})
			if err != nil {
				b.Fatal(err)
			}
			defer d.Close()
			peer := signaling.Peer{Transport: &wire{}, Budget: "topic", Address: p.Address()}
			if strings.HasPrefix(name, "contact") {
				peer.Address = contact.Address()
			}
			verify := newVerification(b)
			n := 0
			var each, check time.Duration
			for b.Loop() {
				before := cpuTime(b)
				d.Receive(peer, text)
				between := cpuTime(b)
				verify()
				each, check = each+between-before, check+cpuTime(b)-between
				n++
			}
			each, check = each/time.Duration(n), check/time.Duration(n)
			b.ReportMetric(float64(each.Nanoseconds()), "cpu-ns/op")
			b.ReportMetric(each.Seconds()/check.Seconds(), "checks/op")
			if each >= refusalCost && each >= refusalChecks*check {
				b.Errorf("a refusal costs %v of CPU, want under %v or %d verifications of %v each", each, refusalCost, refusalChecks, check)
			}
			refused := uint64(0)
			for reason, count := range d.Refused() {
				if reason != string(signaling.RefusedRate) {
					refused += count
				}
			}
			if refused != uint64(n) {
				b.Errorf("%d of %d were refused: %v", refused, n, d.Refused())
			}
		})
	}
}
