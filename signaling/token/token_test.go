package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"callbox/signaling/key"
	"callbox/signaling/token"
)

func claims(v vectors) token.Claims {
	return token.Claims{
		Issuer: makerName, Audience: key.DeviceAddress(v.SN), Subject: "user-17", RoomID: v.RoomID, RoomType: "video",
		CallerName: "Anna", Holder: token.Confirmation{JKT: v.Phone}, DKT: v.DKT, Issued: token.Date(v.Now),
	}
}

func TestIssueFillsIn(t *testing.T) {
	v := readVectors(t)
	k, err := token.ParseKey(v.Private)
	if err != nil || k.ID != "2026-11" {
		t.Fatalf("key %q, %v", k.ID, err)
	}
	text, err := token.Issue(k, claims(v))
	if err != nil {
		t.Fatal(err)
	}
	got, err := token.Parse(text)
	if err != nil || v.judge(text) != nil {
		t.Fatal(err, v.judge(text))
	}
	if got.Expires-got.Issued != 120 || len(got.ID) < 22 || len(got.Rights) != 1 || got.Rights[0] != "call" || got.TimeLimit.Set || got.Nonce != "" {
		t.Errorf("claims = %+v", got.Claims)
	}
	c := claims(v)
	c.Issued = 0
	before := time.Now().Truncate(time.Second)
	text, err = token.Issue(k, c)
	if err != nil {
		t.Fatal(err)
	}
	second, err := token.Parse(text)
	if err != nil || second.Issued.Time().Before(before) || second.Issued.Time().After(time.Now()) || second.ID == got.ID {
		t.Errorf("issued at %v, jti %q: %v", second.Issued.Time(), second.ID, err)
	}
}

func TestIssueRefuses(t *testing.T) {
	v := readVectors(t)
	k, err := token.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	long := k
	long.ID = strings.Repeat("k", 129)
	for name, tt := range map[string]struct {
		change func(*token.Claims)
		want   error
	}{
		"no issuer":     {func(c *token.Claims) { c.Issuer = "" }, token.ErrMalformed},
		"no device":     {func(c *token.Claims) { c.Audience = v.SN }, token.ErrMalformed},
		"no room":       {func(c *token.Claims) { c.RoomID = "" }, token.ErrMalformed},
		"no room type":  {func(c *token.Claims) { c.RoomType = "" }, token.ErrMalformed},
		"no phone":      {func(c *token.Claims) { c.Holder.JKT = "" }, token.ErrMalformed},
		"no device key": {func(c *token.Claims) { c.DKT = "x" }, token.ErrMalformed},
		"no name":       {func(c *token.Claims) { c.CallerName = " " }, token.ErrMalformed},
		"not UTF-8":     {func(c *token.Claims) { c.Subject = "\xff" }, token.ErrMalformed},
		"too long":      {func(c *token.Claims) { c.Expires = c.Issued + 601 }, token.ErrLife},
		"no life":       {func(c *token.Claims) { c.Expires = c.Issued }, token.ErrLife},
	} {
		c := claims(v)
		tt.change(&c)
		if _, err := token.Issue(k, c); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if _, err := token.Issue(long, claims(v)); err == nil {
		t.Error("a kid of 129 bytes is signed with")
	}
}

func TestParseKey(t *testing.T) {
	k, err := token.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	pem, err := k.Private.PEM()
	if err != nil {
		t.Fatal(err)
	}
	got, err := token.ParseKey(pem)
	if err != nil || got.ID != k.Private.JKT() || k.ID != got.ID {
		t.Errorf("PEM: %q, %v", got.ID, err)
	}
	v := readVectors(t)
	nameless := strings.Replace(string(v.Private), `"kid": "2026-11"`, `"kid": ""`, 1)
	if got, err = token.ParseKey([]byte(nameless)); err != nil || got.ID != got.Private.JKT() {
		t.Errorf("a JWK without kid: %q, %v", got.ID, err)
	}
	for name, text := range map[string]string{"nothing": "", "a set": `{"keys":[]}`, "kid too long": strings.Replace(string(v.Private), "2026-11", strings.Repeat("k", 129), 1)} {
		if _, err := token.ParseKey([]byte(text)); !errors.Is(err, key.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestJWKS(t *testing.T) {
	a, b := goldenKey(t, makerD, "a"), goldenKey(t, nextD, "b")
	entry := func(k token.Key, members string) string {
		j := k.Private.Public().JWK()
		return fmt.Sprintf(`{"kty":"EC","crv":"P-256","x":%q,"y":%q,"kid":%q%s}`, j.X, j.Y, k.ID, members)
	}
	set := func(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }
	rsa := `{"kty":"RSA","n":"x","e":"AQAB","kid":"r"}`
	for name, tt := range map[string]struct {
		text string
		want string // kids, "none", or "": refused
	}{
		"one":                          {set(entry(a, "")), "a"},
		"two":                          {set(entry(a, ""), entry(b, `,"use":"sig","alg":"ES256","key_ops":["verify"]`)), "a b"},
		"of other kinds":               {set(rsa, `{"kty":"OKP","crv":"Ed25519","x":"x","kid":"o"}`, entry(a, "")), "a"},
		"of other curves":              {set(`{"kty":"EC","crv":"P-384","x":"x","y":"y","kid":"p"}`, entry(a, "")), "a"},
		"for other purposes":           {set(entry(b, `,"use":"enc"`), entry(a, "")), "a"},
		"for another algorithm":        {set(entry(b, `,"alg":"ECDH-ES"`), entry(a, "")), "a"},
		"for signing":                  {set(entry(b, `,"key_ops":["sign"]`), entry(a, "")), "a"},
		"with more members":            {`{"keys":[` + entry(a, `,"x5t":"x","iat":1`) + `],"more":1}`, "a"},
		"none":                         {set(), "none"},
		"none of use":                  {set(rsa), "none"},
		"nothing said of keys":         {"{}", ""},
		"null":                         {`{"keys":null}`, ""},
		"no set":                       {entry(a, ""), ""},
		"no JSON":                      {"{", ""},
		"empty":                        {"", ""},
		"a list":                       {"[" + entry(a, "") + "]", ""},
		"a private key":                {set(entry(a, `,"d":"`+makerD+`"`)), ""},
		"a shared secret":              {set(`{"kty":"oct","k":"c2VjcmV0","kid":"s"}`, entry(a, "")), ""},
		"without kid":                  {set(strings.Replace(entry(a, ""), `"kid":"a"`, `"kid":""`, 1)), ""},
		"a kid twice":                  {set(entry(a, ""), entry(token.Key{Private: b.Private, ID: "a"}, "")), ""},
		"a member twice":               {set(entry(a, `,"kid":"b"`)), ""},
		"not on the curve":             {set(`{"kty":"EC","crv":"P-256","x":"` + strings.Repeat("A", 43) + `","y":"` + strings.Repeat("A", 43) + `","kid":"a"}`), ""},
		"33 keys":                      {set(strings.Split(strings.Repeat(rsa+";", 32)+entry(a, ""), ";")...), ""},
		"over 64 KiB":                  {set(entry(a, `,"more":"`+strings.Repeat("x", token.MaxSet)+`"`)), ""},
		"half written by a maker's cp": {set(entry(a, ""))[:100], ""},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := token.ParseJWKS([]byte(tt.text))
			if bad := map[string]error{"": token.ErrKeySet, "none": token.ErrNoKeys}[tt.want]; bad != nil {
				if !errors.Is(err, bad) {
					t.Errorf("error = %v, want %v", err, bad)
				}
				return
			}
			if err != nil || len(keys) != len(strings.Fields(tt.want)) {
				t.Fatalf("keys = %v, %v", keys, err)
			}
			for _, kid := range strings.Fields(tt.want) {
				if keys[kid] == nil {
					t.Errorf("there is no %s", kid)
				}
			}
		})
	}
	text, err := token.JWKS(a, b)
	if err != nil || strings.Contains(string(text), makerD) {
		t.Errorf("JWKS = %s, %v", text, err)
	}
	if keys, err := token.ParseJWKS(text); err != nil || keys["a"].JKT() != a.Private.JKT() || keys["b"].JKT() != b.Private.JKT() {
		t.Errorf("what JWKS writes is read as %v, %v", keys, err)
	}
}

func TestReasonsAreWords(t *testing.T) {
	for _, err := range []error{token.ErrDenied, token.ErrNeedNonce, token.ErrSpent} {
		if token.Reason(fmt.Errorf("cannot: %w", err)) == "" {
			t.Errorf("%v has no word", err)
		}
	}
	if token.Reason(nil) != "" || token.Reason(errors.New("another")) != "" {
		t.Error("what is no refusal has a word")
	}
}

func FuzzParse(f *testing.F) {
	v := readVectors(f)
	for _, one := range v.Tokens {
		f.Add(one.Token)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := token.Parse(text)
		if err != nil {
			if !errors.Is(err, token.ErrMalformed) && !errors.Is(err, token.ErrTooLarge) {
				t.Errorf("error = %v", err)
			}
			return
		}
		if len(text) > token.MaxSize || got.Issuer == "" || got.ID == "" || !key.ValidJKT(got.Holder.JKT) {
			t.Errorf("accepted: %+v", got.Claims)
		}
		if _, err := json.Marshal(got.CallerName); err != nil {
			t.Error(err)
		}
		if v.judge(text) == nil { // only the golden ones are signed
			for _, one := range v.Tokens {
				if one.Token == text {
					return
				}
			}
			// The signature of ECDSA has a second form; what was signed must be the same.
			signed := text[:strings.LastIndexByte(text, '.')]
			for _, one := range v.Tokens {
				if one.Token[:strings.LastIndexByte(one.Token, '.')] == signed {
					return
				}
			}
			t.Errorf("a token that nobody signed is good: %s", text)
		}
	})
}

func FuzzParseJWKS(f *testing.F) {
	for _, set := range readVectors(f).Issuers {
		f.Add([]byte(set))
	}
	f.Add([]byte(`{"keys":[{"kty":"RSA"},{"kty":"EC","crv":"P-256","kid":"a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := token.ParseJWKS(data)
		if err != nil {
			if !errors.Is(err, token.ErrKeySet) && !errors.Is(err, token.ErrNoKeys) {
				t.Errorf("error = %v", err)
			}
			return
		}
		if len(keys) == 0 || keys[""] != nil {
			t.Errorf("accepted: %v", keys)
		}
	})
}

// A backend reads its key once and signs a token for each call.
func ExampleIssue() {
	k, err := token.NewKey() // a backend keeps its own: ParseKey
	if err != nil {
		fmt.Println(err)
		return
	}
	set, err := token.JWKS(k) // the file that signaling.issuers of the device names
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := token.Issue(k, token.Claims{
		Issuer: "https://maker.example", Audience: "d.door-1", DKT: "CRFZQaU4cVWkyh7ORVhYEfwFt99lXGi5oDhoF69j_7s",
		Subject: "user-17", CallerName: "Anna", Rights: []token.Right{"call", "unlock"},
		Holder: token.Confirmation{JKT: "L3cBb1SYKT-yoNJWBd6FnVr8KYGbV9Ig1rk1mxnxWjw"},
		RoomID: "Zm9yLWV2ZXItb25lLWNhbGwtMQ", RoomType: "video",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	// What the device does with it:
	t, err := token.Parse(text)
	if err != nil {
		fmt.Println(err)
		return
	}
	keys, err := token.ParseJWKS(set)
	fmt.Println(t.CallerName, t.Expires-t.Issued, err, t.Verify(keys))
	// Output: Anna 120 <nil> <nil>
}
