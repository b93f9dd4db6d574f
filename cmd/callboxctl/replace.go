package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
)

func newContactsReplace(a *app) *cobra.Command {
	request := control.PairRequest{}
	var life time.Duration
	var wait bool
	jwk := ""
	cmd := &cobra.Command{
		Use:   "replace NAME|THUMBPRINT",
		Short: "Let a new phone take a contact's place",
		Long: `Let a new phone take a contact's place: a phone that was lost, or whose browser has
forgotten its key. Name, rights, groups, limits and what is left of today's minutes stay;
the old key is refused from then on, and a running call of it ends.

Shows a pairing code, as callboxctl pair does: whichever phone uses it takes the place.
With --jwk no code is shown: you vouch for the key. auto and unlock are refused over a
certificate that the device made for itself, unless --force says so.`,
		Example:           "  callboxctl contacts replace Anna --wait\n  callboxctl contacts replace Anna --jwk anna.json",
		Args:              exactly("a name or a thumbprint"),
		ValidArgsFunction: a.names(everybody, false, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			if jwk != "" {
				for _, name := range []string{"for", "force", "wait"} {
					if cmd.Flags().Changed(name) {
						return usagef("--%s is for a pairing code: leave it out with --jwk", name)
					}
				}
				k, err := a.readKey(jwk)
				if err != nil {
					return err
				}
				contact, err := a.client().ReplaceContact(cmd.Context(), args[0], control.NewKey{JWK: k})
				if err != nil {
					return err
				}
				return a.show(contact, func(w io.Writer) { fmt.Fprintf(w, "%s has a new phone\n", oneLine(contact.Name)) })
			}
			if life <= 0 {
				return usagef("cannot use --for %v: it must be a time like 5m", life)
			}
			request.Replaces, request.Seconds = args[0], life.Seconds()
			if wait {
				return a.pairAndWait(cmd.Context(), request, false)
			}
			window, err := a.client().OpenPairing(cmd.Context(), request)
			if err != nil {
				return err
			}
			return a.showWindow(window)
		},
	}
	cmd.Flags().StringVar(&jwk, "jwk", "", "the `file` with the new phone's public key, or - for the standard input")
	spanVar(cmd.Flags(), &life, "for", 5*time.Minute, "how long the code works")
	cmd.Flags().BoolVar(&request.Force, "force", false, "hand auto and unlock on over a self-made certificate, too")
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until a phone has used the code; fail when none did")
	return cmd
}
