package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callbox/signaling/key"
	"callbox/signaling/token"
)

// inspectFlags are the device and the call that a token is compared with. What is not
// given is not looked at.
type inspectFlags struct {
	jwks, iss, at                   string
	sn, dkt, phone, roomID, roomTyp string
	noClock, strict                 bool
}

// inspection is what was found.
type inspection struct {
	Claims  *token.Claims `json:"claims,omitzero"`
	Key     string        `json:"kid,omitzero"`
	Refused string        `json:"refused,omitzero"` // token.Reason; absent: nothing is wrong
	Why     string        `json:"why,omitzero"`
	Checks  []check       `json:"checks"`
}

// check is one look at the token, in the order of the protocol.
type check struct {
	Name string `json:"name"`
	OK   *bool  `json:"ok"` // null: not looked at
	Says string `json:"says"`
}

func newTokenInspect(a *app) *cobra.Command {
	var f inspectFlags
	cmd := &cobra.Command{
		Use:   "inspect TOKEN",
		Short: "Show what a call token says, and why a device would refuse it",
		Long: `Show what a call token says, and what a device would refuse of it and why, in the order in
which a device looks. What is not given is not looked at. Whether a token was used before
and what is denied only the device knows. TOKEN - reads it from the standard input.
Exit code 5 when it would be refused; with --strict also when something was not looked at:
a program wants --strict.`,
		Example: `  callboxctl token inspect "$TOKEN" --jwks maker.jwks.json --iss https://maker.example --sn door-1
  callboxctl token inspect - --at "2026-11-24 22:00" < token.txt`,
		Args: exactly("the token"),
		RunE: func(_ *cobra.Command, args []string) error {
			text, err := a.tokenText(args[0])
			if err != nil {
				return err
			}
			found, err := f.inspect(a, text)
			if err != nil {
				return err
			}
			if err := a.show(found, func(w io.Writer) { found.print(w) }); err != nil {
				return err
			}
			if found.Refused != "" || (f.strict && len(found.open()) > 0) {
				return outcome(exitNotNow)
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.jwks, "jwks", "", "the issuer's public keys, a `file` with a JWK Set")
	fs.StringVar(&f.iss, "iss", "", "the issuer that the device knows")
	fs.StringVar(&f.sn, "sn", "", "the device's serial number")
	fs.StringVar(&f.dkt, "dkt", "", "the `thumbprint` of the device's key")
	fs.StringVar(&f.phone, "jkt", "", "the `thumbprint` of the phone's key")
	fs.StringVar(&f.roomID, "room", "", "the `id` of the invite's room")
	fs.StringVar(&f.roomTyp, "type", "", "the invite's type: video or voice")
	fs.StringVar(&f.at, "at", "", "what the device's clock says, a `time`; now when it is left out")
	fs.BoolVar(&f.noClock, "no-clock", false, "the device does not know the time")
	fs.BoolVar(&f.strict, "strict", false, "fail, too, when something was not looked at")
	completes(cmd, "type", words("video", "voice"))
	return cmd
}

func (f *inspectFlags) inspect(a *app, text string) (*inspection, error) {
	now := time.Now()
	if f.at != "" {
		var ok bool
		if now, ok = clockTime(f.at, now); !ok {
			return nil, usagef("cannot use --at %q; write 22:00 or \"2026-11-24 22:00\"", f.at)
		}
	}
	var keys token.Keys
	if f.jwks != "" {
		data, err := a.readSmall(f.jwks)
		if err == nil {
			keys, err = token.ParseJWKS(data)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot use %s: %w", f.jwks, err)
		}
	}
	found := &inspection{}
	t, err := token.Parse(text)
	found.note("form", true, err, fmt.Sprintf("%d bytes, typ %s, ES256", len(text), token.Typ))
	if err != nil {
		return found, nil
	}
	found.Claims, found.Key = &t.Claims, t.KID
	var errIssuer error
	if t.Issuer != f.iss {
		errIssuer = fmt.Errorf("cannot use token: iss is %q, and the device knows %q: %w", t.Issuer, f.iss, token.ErrIssuer)
	}
	found.note("issuer", f.iss != "", errIssuer, t.Issuer)
	found.note("signature", f.jwks != "", t.Verify(keys), fmt.Sprintf("by the key %q", t.KID))
	f.call(found, t)
	found.note("life", true, t.CheckLife(), (t.Expires.Time().Sub(t.Issued.Time())).String())
	if f.noClock {
		var errNonce error
		if t.Nonce == "" {
			errNonce = fmt.Errorf("cannot tell how old the token is: %w", token.ErrNeedNonce)
		}
		found.note("time", true, errNonce, "it has a nonce; whether the device gave it out in the last 300 s, only that knows")
	} else {
		found.note("time", true, t.CheckTime(now), "good for "+t.Expires.Time().Sub(now).Round(time.Second).String()+" more")
	}
	return found, nil
}

// call compares the token with what was given of the device and the call.
func (f *inspectFlags) call(found *inspection, t *token.Token) {
	sn, _ := strings.CutPrefix(t.Audience, key.DeviceAddress(""))
	own := token.Call{SN: sn, DKT: t.DKT, Phone: t.Holder.JKT, RoomID: t.RoomID, RoomType: t.RoomType}
	for _, one := range []struct {
		name, given, says string
		set               func(*token.Call)
	}{
		{"device", f.sn, t.Audience, func(c *token.Call) { c.SN = f.sn }},
		{"device key", f.dkt, t.DKT, func(c *token.Call) { c.DKT = f.dkt }},
		{"room", f.roomID, t.RoomID, func(c *token.Call) { c.RoomID = f.roomID }},
		{"room type", f.roomTyp, string(t.RoomType), func(c *token.Call) { c.RoomType = token.RoomType(f.roomTyp) }},
		{"phone key", f.phone, t.Holder.JKT, func(c *token.Call) { c.Phone = f.phone }},
	} {
		c := own
		one.set(&c)
		found.note(one.name, one.given != "", t.CheckCall(c), one.says)
	}
}

// note adds one look; looked is false when there was nothing to compare with. The
// first that fails is why the token would be refused.
func (i *inspection) note(name string, looked bool, err error, says string) {
	if !looked {
		i.Checks = append(i.Checks, check{Name: name, Says: says})
		return
	}
	ok := err == nil
	if !ok {
		says = err.Error()
	}
	i.Checks = append(i.Checks, check{Name: name, OK: &ok, Says: says})
	if !ok && i.Refused == "" {
		i.Refused, i.Why = token.Reason(err), err.Error()
	}
}

// open names what was not looked at.
func (i *inspection) open() (names []string) {
	for _, c := range i.Checks {
		if c.OK == nil {
			names = append(names, c.Name)
		}
	}
	return names
}

func (i *inspection) print(w io.Writer) {
	if c := i.Claims; c != nil {
		table(w, func(t io.Writer) {
			for _, line := range [][2]string{
				{"Issuer", c.Issuer}, {"Key", i.Key}, {"Subject", c.Subject}, {"Caller", c.CallerName}, {"Rights", rightsOfToken(c.Rights)},
				{"Device", c.Audience}, {"Device key", c.DKT}, {"Phone key", c.Holder.JKT}, {"Room", c.RoomID + ", " + string(c.RoomType)},
				{"Limit", spanText(c.TimeLimit.Seconds())}, {"Issued", tokenTime(c.Issued)}, {"Expires", tokenTime(c.Expires)},
				{"Token", c.ID}, {"Nonce", c.Nonce},
			} {
				if line[1] != "" {
					fmt.Fprintf(t, "%s\t%s\n", line[0], oneLine(line[1]))
				}
			}
		})
		fmt.Fprintln(w)
	}
	for _, c := range i.Checks {
		sign := paint(dim, "not looked at")
		switch {
		case c.OK != nil && *c.OK:
			sign = paint(green, "yes")
		case c.OK != nil:
			sign = paint(red, "no")
		}
		fmt.Fprintf(w, "%s %s %s\n", pad(c.Name, 11), pad(sign, 14), oneLine(c.Says))
	}
	if i.Refused == "" {
		if open := i.open(); len(open) > 0 {
			fmt.Fprintf(w, "\n%s; not looked at: %s\n", paint(yellow, "nothing wrong was found"), strings.Join(open, ", "))
			if slices.Contains(open, "signature") {
				fmt.Fprintln(w, "Anybody can write a token like this: with --jwks its signature is looked at, too.")
			}
			return
		}
		fmt.Fprintf(w, "\n%s; whether it was used or is denied, only the device knows\n", paint(green, "accepted"))
		return
	}
	fmt.Fprintf(w, "\n%s (%s)\n", paint(red, "refused"), i.Refused)
}

func rightsOfToken(rights []token.Right) string {
	if len(rights) == 0 {
		return "none"
	}
	list := make([]string, len(rights))
	for i, r := range rights {
		list[i] = string(r)
	}
	return strings.Join(list, ",")
}

func tokenTime(d token.Date) string { return d.Time().Local().Format("2006-01-02 15:04:05 MST") }
