package daemon

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/daemon/store"
	"callbox/signaling"
	"callbox/signaling/token"
)

const theIssuer = "https://maker.example"

// fakeTokens gives the rights that the test sets; down says that nothing stands.
type fakeTokens struct {
	rights []signaling.Right
	down   bool
}

func (f *fakeTokens) Stands(*token.Pass) bool { return !f.down }
func (f *fakeTokens) Rights(p *token.Pass) []signaling.Right {
	if f.down {
		return nil
	}
	return f.rights
}
func (f *fakeTokens) Refresh() {}

// withIssuer lets the stage's device accept one issuer's tokens.
func withIssuer(t *testing.T, issuer config.Issuer, change func(*settings), test func(s *stage, tokens *fakeTokens)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		issuer.Issuer = theIssuer
		tokens := &fakeTokens{rights: []signaling.Right{signaling.RightCall}}
		s := newStage(t, func(c *settings) {
			c.issuers = []config.Issuer{issuer}
			if change != nil {
				change(c)
			}
		})
		defer s.end()
		if _, err := ask(t.Context(), s.loop, func() (bool, error) {
			s.loop.tokens, s.loop.saveFloor = tokens, func() {}
			s.loop.recheck = s.loop.recheckTokens
			return true, nil
		}); err != nil {
			s.t.Fatal(err)
		}
		test(s, tokens)
	})
}

// tokenOffer is an offer of one who is no contact.
func tokenOffer(room string, limit time.Duration) signaling.Offer {
	o := theOffer(room)
	o.Room.Phone, o.ByToken = "joy", true
	o.Contact = signaling.Contact{JKT: "joy", Name: "Nurse Joy"}
	o.Token = &token.Pass{KID: "k1", Claims: token.Claims{
		Issuer: theIssuer, Subject: "user-17", CallerName: "Nurse Joy", TimeLimit: signaling.Limit{Set: limit > 0, Duration: limit},
	}}
	return o
}

func minutes(n int) *config.Duration {
	return &config.Duration{Set: true, Value: time.Duration(n) * time.Minute}
}

// TestTheSmallestLimitCounts: of invite, token, issuer, contact and configuration.
func TestTheSmallestLimitCounts(t *testing.T) {
	for name, tt := range map[string]struct {
		wish, token, contact time.Duration
		issuer               *config.Duration
		want                 string
	}{
		"nobody says anything":  {want: "10m0s"},
		"the invite's":          {wish: time.Minute, token: 2 * time.Minute, issuer: minutes(3), want: "1m0s"},
		"the token's":           {wish: 3 * time.Minute, token: 2 * time.Minute, issuer: minutes(4), want: "2m0s"},
		"the issuer's":          {wish: 5 * time.Minute, token: 6 * time.Minute, issuer: minutes(4), want: "4m0s"},
		"the configuration's":   {wish: time.Hour, token: time.Hour, issuer: minutes(60), want: "10m0s"},
		"the contact's":         {token: 3 * time.Minute, contact: time.Minute, issuer: minutes(2), want: "1m0s"},
		"the token's, again":    {token: time.Minute, contact: 3 * time.Minute, issuer: minutes(2), want: "1m0s"},
		"the issuer's, again":   {token: 4 * time.Minute, contact: 3 * time.Minute, issuer: minutes(2), want: "2m0s"},
		"a token without limit": {contact: 3 * time.Minute, want: "3m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			withIssuer(t, config.Issuer{LongestCall: tt.issuer}, nil, func(s *stage, _ *fakeTokens) {
				o := tokenOffer("r", tt.token)
				o.TimeLimit = signaling.Limit{Set: tt.wish > 0, Duration: tt.wish}
				if tt.contact > 0 {
					o.ByToken, o.Contact = false, signaling.Contact{JKT: "joy", Name: "Joy", Rights: []signaling.Right{"call"}, MaxSeconds: tt.contact.Seconds()}
					s.contacts = []signaling.Contact{o.Contact}
				}
				s.receive(o)
				synctest.Wait()
				if err := s.backend.Answer(s.t.Context(), ""); err != nil {
					s.t.Fatal(err)
				}
				if got := s.took(); !strings.HasSuffix(got, "start "+tt.want) {
					t.Errorf("%s, want a start of %s", got, tt.want)
				}
			})
		})
	}
}

// TestWhoMayCallByToken: both sides must allow it, where there are both.
func TestWhoMayCallByToken(t *testing.T) {
	call, auto := signaling.RightCall, signaling.RightAuto
	contact := func(rights ...signaling.Right) *signaling.Contact {
		return &signaling.Contact{JKT: "joy", Name: "Joy", Rights: append([]signaling.Right{}, rights...)}
	}
	for name, tt := range map[string]struct {
		gives    []signaling.Right // by the token, as far as its issuer may
		contact  *signaling.Contact
		issuer   config.Issuer
		settings func(*settings)
		want     string
	}{
		"a token":                               {gives: []signaling.Right{call}, want: "ringing"},
		"a token without the right":             {gives: nil, want: "reject r forbidden"},
		"a token and a contact":                 {gives: []signaling.Right{call}, contact: contact(call), want: "ringing"},
		"a contact that may not call":           {gives: []signaling.Right{call}, contact: contact(signaling.RightBeCalled), want: "reject r forbidden"},
		"a contact, a token without call":       {gives: nil, contact: contact(call), want: "reject r forbidden"},
		"outside the issuer's hours":            {gives: []signaling.Right{call}, issuer: config.Issuer{Hours: never(t)}, want: "reject r forbidden"},
		"a contact, outside the issuer's hours": {gives: []signaling.Right{call}, contact: contact(call), issuer: config.Issuer{Hours: never(t)}, want: "reject r forbidden"},
		"in a group that is gone":               {gives: []signaling.Right{call}, issuer: config.Issuer{Groups: []string{"gone"}}, want: "reject r forbidden"},
		"the issuer is gone":                    {gives: []signaling.Right{call}, settings: func(c *settings) { c.issuers = nil }, want: "reject r forbidden"},
		"answered by itself":                    {gives: []signaling.Right{call, auto}, settings: answersItself, want: "announce"},
		"auto, but the device rings":            {gives: []signaling.Right{call, auto}, want: "ringing"},
		"auto, the contact has not":             {gives: []signaling.Right{call, auto}, contact: contact(call), settings: answersItself, want: "ringing"},
		"auto, the token has not":               {gives: []signaling.Right{call}, contact: contact(call, auto), settings: answersItself, want: "ringing"},
		"auto, both have":                       {gives: []signaling.Right{call, auto}, contact: contact(call, auto), settings: answersItself, want: "announce"},
		"do not disturb":                        {gives: []signaling.Right{call}, settings: func(c *settings) { c.rules = disturbed(c.rules, t) }, want: "reject r dnd"},
		"through do-not-disturb":                {gives: []signaling.Right{call}, issuer: config.Issuer{ThroughDND: new(true)}, settings: func(c *settings) { c.rules = disturbed(c.rules, t) }, want: "ringing"},
	} {
		t.Run(name, func(t *testing.T) {
			withIssuer(t, tt.issuer, tt.settings, func(s *stage, tokens *fakeTokens) {
				tokens.rights = tt.gives
				o := tokenOffer("r", 0)
				if tt.contact != nil {
					o.ByToken, o.Contact = false, *tt.contact
					s.contacts = []signaling.Contact{o.Contact}
				}
				s.receive(o)
				if got := s.took(); !strings.Contains(got, tt.want) {
					t.Errorf("%s, want %s", got, tt.want)
				}
			})
		})
	}
}

func answersItself(c *settings) { c.rules.Answer = policy.AnswerAuto }

func schedule(t *testing.T, line string) policy.Schedule {
	t.Helper()
	s, err := policy.ParseSchedule([]string{line})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// never are hours that do not hold when a bubble begins: midnight of a Saturday, UTC.
func never(t *testing.T) policy.Schedule { return schedule(t, "Wed 12:00-12:01") }

func disturbed(r *policy.Rules, t *testing.T) *policy.Rules {
	changed := *r
	changed.DoNotDisturb = schedule(t, "00:00-24:00")
	return &changed
}

// TestIssuersHaveAttemptsAnHour: allowed calls and others, of all the issuer's callers
// together, half of them by one at most; contacts are not counted.
func TestIssuersHaveAttemptsAnHour(t *testing.T) {
	n := 4
	withIssuer(t, config.Issuer{AttemptsAnHour: &n}, nil, func(s *stage, tokens *fakeTokens) {
		for i, tt := range []struct{ subject, want string }{
			{"u0", "ringing r0"},
			{"u0", "reject r1 forbidden"}, // the token says so, and it is counted
			{"u0", "reject r2 forbidden"}, // its half is used
			{"u1", "reject r3 busy"},
			{"u1", "reject r4 busy"},
			{"u2", "reject r5 forbidden"}, // all are used
		} {
			if i == 1 {
				tokens.rights = nil
			}
			o := tokenOffer(fmt.Sprint("r", i), 0)
			o.Token.Subject = tt.subject
			s.receive(o)
			got := s.took()
			tokens.rights = []signaling.Right{signaling.RightCall}
			if !strings.Contains(got, tt.want) {
				t.Errorf("call %d: %s, want %s", i+1, got, tt.want)
			}
		}
		s.receive(theOffer("contact"))
		if got := s.took(); !strings.Contains(got, "reject contact busy") {
			t.Errorf("a contact: %s", got)
		}
		time.Sleep(time.Hour)
		s.took()
		s.receive(tokenOffer("later", 0))
		if got := s.took(); !strings.Contains(got, "ringing later") {
			t.Errorf("an hour later: %s", got)
		}
	})
}

// TestTheIssuersMinutesADay are those of all its callers together; a contact's own
// are charged, too.
func TestTheIssuersMinutesADay(t *testing.T) {
	withIssuer(t, config.Issuer{TalkADay: minutes(3)}, nil, func(s *stage, _ *fakeTokens) {
		talk := func(o signaling.Offer, d time.Duration) {
			s.receive(o)
			synctest.Wait()
			if err := s.backend.Answer(s.t.Context(), ""); err != nil {
				s.t.Fatal(err)
			}
			time.Sleep(d)
			if err := s.backend.HangUp(s.t.Context(), ""); err != nil {
				s.t.Fatal(err)
			}
			s.took()
		}
		talk(tokenOffer("one", 0), 100*time.Second)
		both := tokenOffer("two", 0)
		both.ByToken, both.Contact, both.Room.Phone = false, signaling.Contact{JKT: "bert", Name: "Bert", Rights: []signaling.Right{"call"}}, "bert"
		s.contacts = []signaling.Contact{both.Contact}
		talk(both, 50*time.Second)
		s.mu.Lock()
		issuer, contact, stranger := s.budgets[issuerBudget(theIssuer)], s.budgets[budgetKey("bert")], s.budgets[budgetKey("joy")]
		s.mu.Unlock()
		if issuer.UsedSeconds != 150 || contact.UsedSeconds != 50 || stranger != (store.Budget{}) {
			t.Errorf("used: issuer %v s, contact %v s, caller %v s", issuer.UsedSeconds, contact.UsedSeconds, stranger.UsedSeconds)
		}
		s.receive(tokenOffer("three", 0))
		synctest.Wait()
		if err := s.backend.Answer(s.t.Context(), ""); err != nil {
			s.t.Fatal(err)
		}
		if got := s.took(); !strings.HasSuffix(got, "start 30s") {
			t.Errorf("what is left: %s", got)
		}
		time.Sleep(31 * time.Second)
		s.took()
		s.receive(tokenOffer("four", 0))
		if got := s.took(); !strings.Contains(got, "reject four forbidden; end four") {
			s.t.Errorf("when nothing is left: %s", got)
		}
	})
}

// TestARevokedTokenEndsItsCall, in each state, and no other call.
func TestARevokedTokenEndsItsCall(t *testing.T) {
	recheck := func(s *stage) {
		if _, err := ask(s.t.Context(), s.loop, func() (bool, error) { s.loop.recheck(); return true, nil }); err != nil {
			s.t.Fatal(err)
		}
	}
	withIssuer(t, config.Issuer{}, nil, func(s *stage, tokens *fakeTokens) {
		s.receive(tokenOffer("r", 0))
		s.took()
		recheck(s)
		s.want("")
		tokens.down = true
		recheck(s)
		if got := s.took(); !strings.Contains(got, "aborted") || !strings.Contains(got, "end r") {
			t.Errorf("while it rings: %s", got)
		}
	})
	withIssuer(t, config.Issuer{}, nil, func(s *stage, tokens *fakeTokens) {
		s.receive(tokenOffer("r", 0))
		synctest.Wait()
		if err := s.backend.Answer(s.t.Context(), ""); err != nil {
			s.t.Fatal(err)
		}
		s.took()
		tokens.down = true
		recheck(s)
		if got := s.took(); !strings.Contains(got, "bye r abortedrevoked") {
			t.Errorf("in the talk: %s", got)
		}
	})
	withIssuer(t, config.Issuer{}, nil, func(s *stage, tokens *fakeTokens) {
		s.receive(theOffer("r"))
		s.took()
		tokens.down = true
		recheck(s)
		s.want("")
	})
}

// TestTheDoorByToken: the right is read when it is used.
func TestTheDoorByToken(t *testing.T) {
	withIssuer(t, config.Issuer{}, nil, func(s *stage, tokens *fakeTokens) {
		sub := s.loop.events.Subscribe(control.Position{}, true)
		defer sub.Close()
		tokens.rights = []signaling.Right{signaling.RightCall, signaling.RightUnlock}
		o := tokenOffer("r", 0)
		s.receive(o)
		s.took()
		unlock := signaling.PhoneData{Room: o.Room, ID: "d1", Right: signaling.RightUnlock}
		s.receive(unlock)
		s.want("") // a program is asked
		tokens.rights = []signaling.Right{signaling.RightCall}
		unlock.ID = "d2"
		s.receive(unlock)
		s.want(`answer data d2 "forbidden"`)
		tokens.rights = []signaling.Right{signaling.RightCall, signaling.RightUnlock}
		s.contacts = []signaling.Contact{{JKT: "joy", Name: "Joy", Revoked: true}}
		unlock.ID = "d3"
		s.receive(unlock)
		s.want(`answer data d3 "forbidden"`)
	})
}
