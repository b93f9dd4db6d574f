package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

func newContacts(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "contacts",
		Short: "List the phones that were paired",
		Args:  none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			contacts, err := a.client().Contacts(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(contacts, func(w io.Writer) {
				if len(contacts) == 0 {
					fmt.Fprintln(w, "No phone is paired. callboxctl pair shows a code for one.")
					return
				}
				t := table(w)
				fmt.Fprintln(t, "NAME\tRIGHTS\tPAIRED\tTHUMBPRINT")
				for _, c := range contacts {
					rights := strings.Join(c.Rights, ",")
					if c.Revoked {
						rights = "revoked"
					}
					fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", c.Name, rights, c.Added.Local().Format("2006-01-02 15:04"), c.Thumbprint)
				}
				_ = t.Flush() // a terminal that is gone has nobody to tell
			})
		},
	}
	cmd.AddCommand(newRevoke(a))
	return cmd
}

func newRevoke(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME|THUMBPRINT",
		Short:   "Take a phone's trust away at once",
		Long:    "Take a phone's trust away at once. A running call of it ends. The key stays refused until it is paired anew.",
		Example: "  callboxctl contacts revoke Anna",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError{fmt.Errorf("%s takes one argument: a name or a thumbprint", cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			contact, err := a.client().Revoke(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(contact, func(w io.Writer) { fmt.Fprintf(w, "%s is revoked\n", contact.Name) })
		},
	}
}
