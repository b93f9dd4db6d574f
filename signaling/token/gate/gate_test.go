package gate

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"callbox/hal/clock"
	"callbox/signaling/signalingtest"
	"callbox/signaling/token"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	sn    = "door-1"
	room  = "cm9vbS1mb3ItYS10ZXN0LTAx"
	maker = "https://maker.example"
)

// book keeps what was spent, and denies what it is told to.
type book struct {
	denied string
	spent  []string
}

func (b *book) Denied(issuer, subject, kid, id string) bool {
	return b.denied != "" && slices.Contains([]string{issuer, subject, kid, id}, b.denied)
}

func (b *book) Spend(_, _, id string, _ time.Time) error {
	if slices.Contains(b.spent, id) {
		return token.ErrSpent
	}
	b.spent = append(b.spent, id)
	return nil
}

// wall is a clock that is right.
type wall struct{ noted time.Time }

func (w *wall) Read() clock.Reading { return clock.Reading{Now: time.Now(), Trusted: true} }
func (w *wall) Note(t time.Time)    { w.noted = t }

// rig is a gate with one issuer, in a bubble.
type rig struct {
	*Gate
	t     *testing.T
	book  *book
	wall  *wall
	maker *signalingtest.Issuer
	phone *signalingtest.Phone
	file  string
}

func inBubble(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, book: &book{}, wall: &wall{}, maker: signalingtest.NewIssuer(t, maker), file: filepath.Join(t.TempDir(), "maker.json")}
		r.phone = signalingtest.NewPhone(t, sn, r.maker.Key.Private.JKT())
		r.maker.Publish(r.file)
		var err error
		r.Gate, err = New(Options{
			SN: sn, DKT: r.phone.DKT, Issuers: []Issuer{{Name: maker, File: r.file, Rights: []token.Right{"call", "unlock"}}},
			Book: r.book, Boot: clock.Go(), Wall: r.wall, Log: zerolog.Nop(),
		})
		if err != nil {
			t.Fatal(err)
		}
		test(t, r)
	})
}

func (r *rig) verify(changes ...signalingtest.Change) (*token.Pass, error) {
	return r.Verify(r.maker.Token(r.phone, room, changes...), token.Call{Phone: r.phone.JKT(), RoomID: room, RoomType: "video"})
}

func (r *rig) want(err error, changes ...signalingtest.Change) {
	r.t.Helper()
	if _, got := r.verify(changes...); !errors.Is(got, err) {
		r.t.Errorf("error = %v, want %v", got, err)
	}
}

func (r *rig) problem() string { return r.Status()[0].Problem }

func TestRotation(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		r.want(nil)
		old := r.maker.Key
		next, err := token.NewKey()
		if err != nil {
			t.Fatal(err)
		}
		r.maker.Publish(r.file, next) // both, for a while
		r.maker.Key = next
		r.want(nil) // it looks by itself for a key that it does not know
		r.maker.Key = old
		r.want(nil)
		r.maker.Key = next
		pass, err := r.verify()
		if err != nil {
			t.Fatal(err)
		}
		r.maker.Publish(r.file) // the old one is gone
		r.Refresh()
		r.maker.Key = old
		r.want(token.ErrKey)
		if !r.Stands(pass) {
			t.Error("a token by the key that stays does not stand")
		}
		if got := r.Status(); len(got) != 1 || !slices.Equal(got[0].Keys, []string{next.ID}) || got[0].Problem != "" {
			t.Errorf("status = %+v", got)
		}
	})
}

// TestADamagedFileKeepsTheOldKeys, and is told; a good one is taken again.
func TestADamagedFileKeepsTheOldKeys(t *testing.T) {
	for name, damage := range map[string]func(r *rig){
		"half written": func(r *rig) { signalingtest.WriteFile(r.t, r.file, []byte(`{"keys":[{"kty":"EC",`)) },
		"empty":        func(r *rig) { signalingtest.WriteFile(r.t, r.file, nil) },
		"too large":    func(r *rig) { signalingtest.WriteFile(r.t, r.file, []byte(strings.Repeat(" ", token.MaxSet+1))) },
		"gone": func(r *rig) {
			if err := os.Remove(r.file); err != nil {
				r.t.Error(err)
			}
		},
		"a directory": func(r *rig) {
			if err := errors.Join(os.Remove(r.file), os.Mkdir(r.file, 0o700)); err != nil {
				r.t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				pass, err := r.verify()
				if err != nil {
					t.Fatal(err)
				}
				damage(r)
				for range 2 {
					r.Refresh()
					if !strings.Contains(r.problem(), r.file) {
						t.Errorf("problem = %q", r.problem())
					}
					r.want(nil)
					if !r.Stands(pass) {
						t.Error("a token does not stand")
					}
				}
				r.Configure([]Issuer{{Name: maker, File: r.file}}) // as a reload does
				r.want(nil)
				if err := os.RemoveAll(r.file); err != nil {
					t.Fatal(err)
				}
				r.maker.Key = signalingtest.NewIssuer(t, "").Key
				r.maker.Publish(r.file)
				r.Refresh()
				r.want(nil)
				if r.problem() != "" {
					t.Errorf("problem = %q", r.problem())
				}
			})
		})
	}
}

// TestTheLastKeyIsWithdrawn: a set without keys is no damage. Nothing that was signed
// stands any more, and that is told; a key that comes back counts.
func TestTheLastKeyIsWithdrawn(t *testing.T) {
	for name, set := range map[string]string{
		"no key": `{"keys":[]}`, "a key for another purpose": `{"keys":[{"kty":"RSA","n":"x","e":"AQAB","kid":"r"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig) {
				pass, err := r.verify()
				if err != nil {
					t.Fatal(err)
				}
				signalingtest.WriteFile(t, r.file, []byte(set))
				for range 2 {
					r.Refresh()
					r.want(token.ErrKey)
					if r.Stands(pass) {
						t.Error("a token stands whose key was withdrawn")
					}
					if got := r.Status()[0]; len(got.Keys) != 0 || !strings.Contains(got.Problem, "no token of this issuer is accepted") {
						t.Errorf("status = %+v", got)
					}
				}
				r.maker.Publish(r.file)
				r.Refresh()
				r.want(nil)
				if r.problem() != "" {
					t.Errorf("problem = %q", r.problem())
				}
			})
		})
	}
}

// TestAFileThatComesLater: the device starts without it.
func TestAFileThatComesLater(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		late := r.file + ".late"
		r.Configure([]Issuer{{Name: maker, File: late}})
		r.want(token.ErrKey)
		r.maker.Publish(late)
		r.want(token.ErrKey) // it has just looked
		time.Sleep(lookAgain)
		r.want(nil)
	})
}

// TestForgersDoNotKeepTheDiskBusy: for unknown keys the file is looked at once a
// second.
func TestForgersDoNotKeepTheDiskBusy(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		looks := 0
		for range 1000 {
			if r.issuers.mayLook() {
				looks++
			}
			time.Sleep(10 * time.Millisecond)
		}
		if looks != 10 {
			t.Errorf("%d looks in 10 s", looks)
		}
	})
}

func TestReloadOfTheConfiguration(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		pass, err := r.verify(signalingtest.With(signalingtest.Members{"rights": []string{"call", "unlock", "unlock", "auto", "later"}}))
		if err != nil {
			t.Fatal(err)
		}
		for rights, want := range map[string]string{"call unlock": "call unlock", "call": "call", "call auto beCalled": "call auto", "": ""} {
			var may []token.Right
			for _, right := range strings.Fields(rights) {
				may = append(may, token.Right(right))
			}
			r.Configure([]Issuer{{Name: maker, File: r.file, Rights: may}})
			if got := strings.Trim(fmt.Sprint(r.Rights(pass)), "[]"); got != want {
				t.Errorf("where %q may be given the token gives %q, want %q", rights, got, want)
			}
		}
		r.Configure(nil)
		if r.Stands(pass) || len(r.Rights(pass)) != 0 || len(r.Status()) != 0 {
			t.Error("a token of nobody stands")
		}
		r.want(token.ErrIssuer)
		if err := r.Spend(pass); !errors.Is(err, token.ErrDenied) {
			t.Errorf("Spend = %v", err)
		}
		// Another file for the same name is another issuer: its keys are not taken over.
		r.Configure([]Issuer{{Name: maker, File: r.file}})
		r.Configure([]Issuer{{Name: maker, File: r.file + ".other"}})
		r.want(token.ErrKey)
	})
}

func TestSpend(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig) {
		pass, err := r.verify()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Spend(pass); err != nil || !r.wall.noted.Equal(pass.Issued.Time()) {
			t.Errorf("Spend = %v, the clock was told %v", err, r.wall.noted)
		}
		r.wall.noted = time.Time{}
		if err := r.Spend(pass); !errors.Is(err, token.ErrSpent) || !r.wall.noted.IsZero() {
			t.Errorf("Spend again = %v", err)
		}
		r.book.denied = pass.Subject
		if pass.ID = "another"; r.Stands(pass) || !errors.Is(r.Spend(pass), token.ErrDenied) {
			t.Error("what is denied is spent")
		}
	})
}

func TestNonces(t *testing.T) {
	a, b := newNonces(), newNonces()
	nonce := a.make(time.Hour)
	for now, want := range map[time.Duration]bool{
		time.Hour: true, time.Hour + NonceLife: true, time.Hour + NonceLife + 1: false, time.Hour - 1: false, 0: false,
	} {
		if got := a.check(nonce, now); got != want {
			t.Errorf("at %v: %v, want %v", now, got, want)
		}
	}
	for _, bad := range []string{"", "x", nonce + "A", nonce[:len(nonce)-1], "A" + nonce[1:], nonce + "="} {
		if bad != nonce && a.check(bad, time.Hour) {
			t.Errorf("%q is taken for a nonce", bad)
		}
	}
	if b.check(nonce, time.Hour) {
		t.Error("a nonce of another boot is good")
	}
}

func TestNewNeedsItsParts(t *testing.T) {
	if _, err := New(Options{SN: sn}); err == nil {
		t.Error("a gate without a store")
	}
}
