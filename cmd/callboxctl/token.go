package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
	"callbox/signaling/key"
	"callbox/signaling/token"
)

func newToken(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Call tokens: whose are accepted, sign and look at them",
		Long: `A call token lets a phone call once that is no contact. A backend signs it (an issuer);
the device knows the issuer's public keys by signaling.issuers. ` + control.Guide("tokens.md") + ` is the guide.`,
		Example: "  callboxctl token issuers",
		Args:    verbsOnly,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newTokenIssuers(a), newTokenDeny(a), newTokenAllow(a), newTokenIssue(a), newTokenInspect(a), newTokenJWKS(a))
	return cmd
}

// maxTokenFile bounds what is read of a file that should hold a key, a set or a token.
const maxTokenFile = token.MaxSet

// readSmall reads a small file, or the standard input for "-".
func (a *app) readSmall(name string) ([]byte, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxTokenFile+1))
	if err == nil && len(data) > maxTokenFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxTokenFile)
	}
	return data, err
}

func (a *app) issuerKey(name string) (token.Key, error) {
	data, err := a.readSmall(name)
	if err != nil {
		return token.Key{}, fmt.Errorf("cannot read the issuer's key: %w", err)
	}
	k, err := token.ParseKey(data)
	if err != nil {
		return token.Key{}, fmt.Errorf("cannot use %s as the issuer's key: %w", name, err)
	}
	return k, nil
}

func newTokenJWKS(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "jwks KEY…",
		Short: "Write the public halves of issuers' keys for a device",
		Long: `Write the public halves of private keys as a JWK Set, the file that signaling.issuers[].jwks
names. A new key is made by:

  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out maker.pem`,
		Example: "  callboxctl token jwks maker.pem > maker.jwks.json",
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("%s needs the file of a private key", cmd.CommandPath())
			}
			var keys []token.Key
			for _, name := range args {
				k, err := a.issuerKey(name)
				if err != nil {
					return err
				}
				keys = append(keys, k)
			}
			text, err := token.JWKS(keys...)
			if err != nil {
				return err
			}
			fmt.Fprint(a.out, string(text))
			return nil
		},
	}
}

// issueFlags are what a token is made of.
type issueFlags struct {
	key, sn, roomType, limit, at string
	rights                       []string
	life                         time.Duration
	claims                       token.Claims
}

func newTokenIssue(a *app) *cobra.Command {
	var f issueFlags
	cmd := &cobra.Command{
		Use:   "issue --key FILE …",
		Short: "Sign a call token",
		Long: `Sign a call token with an issuer's private key: PEM (PKCS#8), or a JWK whose kid is used.
It is for tests and small makers; a backend signs its own (` + control.Guide("tokens.md") + `). The device's
thumbprint is in callboxctl status, the phone's and the room's id come from the phone.`,
		Example: `  callboxctl token issue --key maker.pem --iss https://maker.example --sn door-1 \
    --dkt CRFZQaU4cVWkyh7ORVhYEfwFt99lXGi5oDhoF69j_7s \
    --jkt L3cBb1SYKT-yoNJWBd6FnVr8KYGbV9Ig1rk1mxnxWjw \
    --room Zm9yLWV2ZXItb25lLWNhbGwtMQ --type video --sub user-17 --name "Anna"`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, name := range []string{"key", "iss", "sn", "dkt", "jkt", "room", "sub", "name"} {
				if !cmd.Flags().Changed(name) {
					return usagef("%s needs --%s", cmd.CommandPath(), name)
				}
			}
			for _, t := range []struct{ flag, text string }{{"dkt", f.claims.DKT}, {"jkt", f.claims.Holder.JKT}} {
				if !key.ValidJKT(t.text) {
					return usagef("cannot use --%s %q: a thumbprint has 43 characters of A-Z a-z 0-9 - _", t.flag, t.text)
				}
			}
			if err := f.fill(); err != nil {
				return err
			}
			k, err := a.issuerKey(f.key)
			if err != nil {
				return err
			}
			text, err := token.Issue(k, f.claims)
			if err != nil {
				return err
			}
			return a.show(map[string]string{"token": text}, func(w io.Writer) { fmt.Fprintln(w, text) })
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.key, "key", "", "the issuer's private key, a `file`")
	fs.StringVar(&f.claims.Issuer, "iss", "", "the issuer, as signaling.issuers calls it")
	fs.StringVar(&f.sn, "sn", "", "the device's serial number")
	fs.StringVar(&f.claims.DKT, "dkt", "", "the `thumbprint` of the device's key")
	fs.StringVar(&f.claims.Holder.JKT, "jkt", "", "the `thumbprint` of the phone's key")
	fs.StringVar(&f.claims.RoomID, "room", "", "the `id` of the room that it is for")
	fs.StringVar(&f.roomType, "type", "video", "video or voice")
	fs.StringVar(&f.claims.Subject, "sub", "", "who calls, as the issuer calls them")
	fs.StringVar(&f.claims.CallerName, "name", "", "who calls, as the device shows them")
	fs.StringSliceVar(&f.rights, "rights", []string{"call"}, "what the caller may do: call,auto,unlock")
	fs.StringVar(&f.limit, "limit", "", "the longest call, like 10m")
	spanVar(fs, &f.life, "life", token.DefaultLife, "how long the token is good, up to 10m")
	fs.StringVar(&f.claims.Nonce, "nonce", "", "the nonce of a device that does not know the time")
	fs.StringVar(&f.claims.ID, "id", "", "the token's own id; a random one when it is left out")
	fs.StringVar(&f.at, "at", "", "issue it as if it were this `time`")
	completes(cmd, "type", words("video", "voice"))
	completes(cmd, "rights", words("call", "auto", "unlock"))
	return cmd
}

// fill makes claims of the flags.
func (f *issueFlags) fill() error {
	c := &f.claims
	c.Audience, c.RoomType = key.DeviceAddress(f.sn), token.RoomType(f.roomType)
	c.Rights = []token.Right{}
	for _, r := range f.rights {
		c.Rights = append(c.Rights, token.Right(r))
	}
	if f.limit != "" {
		span, ok := spanOf(f.limit)
		limit, err := token.LimitOf(span.Seconds())
		if !ok || err != nil {
			return usagef("cannot use --limit %q: it must be a time like 10m", f.limit)
		}
		c.TimeLimit = limit
	}
	now := time.Now()
	if f.at != "" {
		var ok bool
		if now, ok = clockTime(f.at, now); !ok {
			return usagef("cannot use --at %q; write 22:00 or \"2026-11-24 22:00\"", f.at)
		}
	}
	c.Issued = token.DateOf(now)
	c.Expires = c.Issued + token.Date(f.life.Seconds())
	return nil
}

// tokenText takes a token from the command line or, for "-", from the input. The
// white space around it is the shell's.
func (a *app) tokenText(arg string) (string, error) {
	if arg != "-" {
		return strings.TrimSpace(arg), nil
	}
	data, err := a.readSmall(arg)
	if err != nil {
		return "", fmt.Errorf("cannot read the token: %w", err)
	}
	return strings.TrimSpace(string(data)), nil
}
