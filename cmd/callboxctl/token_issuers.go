package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newTokenIssuers(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "issuers",
		Short:   "List whose call tokens are accepted, and what is denied",
		Long:    "List whose call tokens are accepted, with their keys, what their tokens may give and how much\nof it was used, and what of them is denied.",
		Example: "  callboxctl token issuers",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			i, err := a.client().Issuers(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(i, func(w io.Writer) { printIssuers(w, i) })
		},
	}
}

func printIssuers(w io.Writer, i control.Issuers) {
	if len(i.Issuers) == 0 {
		fmt.Fprintln(w, "No issuer is configured (signaling.issuers): only contacts can call.")
	} else {
		table(w, func(t io.Writer) {
			fmt.Fprintln(t, "ISSUER\tRIGHTS\tTRIED THIS HOUR\tTALKED TODAY\tKEYS")
			for _, one := range i.Issuers {
				talked := spanText(one.TalkedSeconds)
				if talked == "" {
					talked = "0s"
				}
				fmt.Fprintf(t, "%s\t%s\t%d of %d\t%s\t%s\n", oneLine(one.Issuer), strings.Join(one.Rights, ","), one.Attempts, one.AttemptsAnHour,
					talked, oneLine(strings.Join(one.Keys, ", ")))
			}
		})
	}
	for _, one := range i.Issuers {
		if one.Problem != "" {
			fmt.Fprintf(w, "%s: %s\n", oneLine(one.Issuer), paint(red, oneLine(one.Problem)))
		}
	}
	if len(i.Denied) == 0 {
		return
	}
	fmt.Fprintln(w, "\nDenied:")
	for _, d := range i.Denied {
		fmt.Fprintf(w, "  %s  %s\n", d.Since.Local().Format("2006-01-02 15:04"), denialText(d))
	}
}

func denialText(d control.Denial) string {
	what := "all tokens"
	switch {
	case d.Subject != "":
		what = "subject " + d.Subject
	case d.Key != "":
		what = "key " + d.Key
	case d.Token != "":
		what = "token " + d.Token
	}
	return oneLine(what + " of " + d.Issuer)
}

func newTokenDeny(a *app) *cobra.Command {
	var d control.Denial
	cmd := &cobra.Command{
		Use:   "deny ISSUER",
		Short: "Refuse call tokens at once",
		Long: `Refuse the call tokens of an issuer from now on: all of them, or only those for one subject,
by one key, or one token. A running call that began with one ends. To shut an issuer out for
good, take it out of signaling.issuers.`,
		Example: "  callboxctl token deny https://maker.example --subject user-17",
		Args:    exactly("the issuer"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := onlyOne(cmd, &d, args[0]); err != nil {
				return err
			}
			denied, err := a.client().Deny(cmd.Context(), d)
			if err != nil {
				return err
			}
			return a.show(denied, func(w io.Writer) { fmt.Fprintf(w, "denied: %s\n", denialText(denied)) })
		},
	}
	denialFlags(cmd, &d)
	return cmd
}

func newTokenAllow(a *app) *cobra.Command {
	var d control.Denial
	cmd := &cobra.Command{
		Use:     "allow ISSUER",
		Short:   "Take a denial back",
		Long:    "Take a denial back. It must be named as it was denied; callboxctl token issuers lists them.",
		Example: "  callboxctl token allow https://maker.example --subject user-17",
		Args:    exactly("the issuer"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := onlyOne(cmd, &d, args[0]); err != nil {
				return err
			}
			allowed, err := a.client().Allow(cmd.Context(), d)
			if err != nil {
				return err
			}
			return a.show(allowed, func(w io.Writer) { fmt.Fprintf(w, "allowed again: %s\n", denialText(allowed)) })
		},
	}
	denialFlags(cmd, &d)
	return cmd
}

func denialFlags(cmd *cobra.Command, d *control.Denial) {
	f := cmd.Flags()
	f.StringVar(&d.Subject, "subject", "", "only tokens for this `sub`")
	f.StringVar(&d.Key, "key", "", "only tokens by the key of this `kid`")
	f.StringVar(&d.Token, "token", "", "only the token with this `jti`")
}

// onlyOne takes the issuer over, and refuses more than one word beside it.
func onlyOne(cmd *cobra.Command, d *control.Denial, issuer string) error {
	d.Issuer = issuer
	given := 0
	for _, flag := range []string{"subject", "key", "token"} {
		if cmd.Flags().Changed(flag) {
			given++
		}
	}
	if given > 1 {
		return usagef("%s takes one of --subject, --key and --token", cmd.CommandPath())
	}
	return nil
}
