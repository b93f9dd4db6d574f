package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"callbox/daemon/control"
	"callbox/signaling/key"
)

const rightsHelp = `The rights are call (may call the device), beCalled, auto (is answered without a person)
and unlock (may open the door).`

func newContacts(a *app) *cobra.Command {
	list := newContactsList(a)
	cmd := &cobra.Command{
		Use:   "contacts",
		Short: "The phones that the device trusts: list and change them",
		Long: `List the phones that the device trusts, or change them. callboxctl pair adds one that
shows a code of its own; add takes a public key that you vouch for.`,
		Example: "  callboxctl contacts\n  callboxctl contacts set Anna --rights call,beCalled,unlock --max 30m",
		Args:    verbsOnly,
		RunE:    list.RunE,
	}
	cmd.AddCommand(list, newContactsAdd(a), newContactsSet(a), newContactsRename(a), newContactsReplace(a),
		newContactVerb(a, "revoke", "Take a phone's trust away at once",
			"A running call of it ends. The key stays known and refused until it is paired anew.", "is revoked", false),
		newContactVerb(a, "forget", "Remove a contact",
			"A running call of it ends. Nothing of it is left but its call records.", "is forgotten", true))
	return cmd
}

func newContactsList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the phones that the device trusts, revoked ones too",
		Long:    "List the phones that the device trusts, revoked ones too, and what each may do now.\nRights in brackets come from a group or the default. REACHED is how a call gets to the\nphone now: connected; push (its page is closed and can be woken); perhaps (a broker or a\nrelay, which does not say who is there); none.",
		Example: "  callboxctl contacts list --json",
		Args:    none,
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
				table(w, func(t io.Writer) {
					fmt.Fprintln(t, "NAME\tRIGHTS\tGROUPS\tREACHED\tPAIRED\tTHUMBPRINT")
					for _, c := range contacts {
						fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", oneLine(c.Name), rightsText(c),
							oneLine(strings.Join(c.Groups, ",")), cmp.Or(oneLine(c.Reach), "-"), c.Added.Local().Format("2006-01-02 15:04"), c.Thumbprint)
					}
				})
			})
		},
	}
}

func rightsText(c control.Contact) string {
	text := strings.Join(c.EffectiveRights, ",")
	switch {
	case c.Revoked:
		return "revoked"
	case c.Rights == nil:
		return "(" + text + ")"
	case text == "":
		return "none"
	}
	return text
}

// newContactVerb makes a verb that takes a contact's trust away.
func newContactVerb(a *app, name, short, more, done string, forget bool) *cobra.Command {
	return &cobra.Command{
		Use:               name + " NAME|THUMBPRINT",
		Short:             short,
		Long:              short + ".\n" + more,
		Example:           "  callboxctl contacts " + name + " Anna",
		Args:              exactly("a name or a thumbprint"),
		ValidArgsFunction: a.names(everybody, false, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			do := a.client().Revoke
			if forget {
				do = a.client().Forget
			}
			contact, err := do(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.show(contact, func(w io.Writer) { fmt.Fprintf(w, "%s %s\n", oneLine(contact.Name), done) })
		},
	}
}

func newContactsRename(a *app) *cobra.Command {
	return &cobra.Command{
		Use:               "rename NAME|THUMBPRINT NEW-NAME",
		Short:             "Call a contact by another name",
		Long:              "Call a contact by another name. Records keep the name that it had then.",
		Example:           `  callboxctl contacts rename Anna "Anna's new phone"`,
		Args:              exactly("a name or a thumbprint", "the new name"),
		ValidArgsFunction: a.names(everybody, false, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			contact, err := a.client().ChangeContact(cmd.Context(), args[0], control.ContactChange{Name: control.Value(args[1])})
			if err != nil {
				return err
			}
			return a.show(contact, func(w io.Writer) { fmt.Fprintf(w, "%s is called %s\n", oneLine(args[0]), oneLine(contact.Name)) })
		},
	}
}

// contactFlags are what add and set have in common. inherit gives a thing back to
// groups and default.
type contactFlags struct {
	rights, groups, hours []string
	longest, day          string
	camera, throughDND    string
}

const inherit = "inherit"

func (c *contactFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&c.rights, "rights", nil, "what it may do: call,beCalled,auto,unlock, none, or inherit")
	f.StringSliceVar(&c.groups, "groups", nil, "the groups that it is in, or none")
	f.StringArrayVar(&c.hours, "hours", nil, "when it may call, like \"Mon-Fri 08:00-20:00\"; more than once, or inherit")
	f.StringVar(&c.longest, "max", "", "its longest call, like 30m, or inherit")
	f.StringVar(&c.day, "day", "", "how long it may talk a day, like 2h, or inherit")
	f.StringVar(&c.camera, "camera", "", "whether it may see the camera: on, off or inherit")
	f.StringVar(&c.throughDND, "through-dnd", "", "whether it comes through do-not-disturb: on, off or inherit")
	completes(cmd, "through-dnd", words("on", "off", inherit))
	completes(cmd, "rights", words("call", "beCalled", "auto", "unlock", "none", inherit))
	completes(cmd, "camera", words("on", "off", inherit))
}

// change makes a merge patch of the flags that were given.
func (c *contactFlags) change(cmd *cobra.Command) (p control.ContactChange, err error) {
	set := cmd.Flags().Changed
	if set("rights") {
		p.Rights = listOf(c.rights)
	}
	if set("groups") {
		p.Groups = listOf(c.groups)
	}
	if set("hours") {
		p.Hours = listOf(c.hours)
	}
	if set("max") {
		if p.MaxSeconds, err = secondsOf("max", c.longest); err != nil {
			return p, err
		}
	}
	if set("day") {
		if p.DaySeconds, err = secondsOf("day", c.day); err != nil {
			return p, err
		}
	}
	if set("camera") {
		if p.Camera, err = flagOf("camera", c.camera); err != nil {
			return p, err
		}
	}
	if set("through-dnd") {
		p.ThroughDND, err = flagOf("through-dnd", c.throughDND)
	}
	return p, err
}

func flagOf(flag, text string) (control.Member[bool], error) {
	switch text {
	case inherit:
		return control.Null[bool](), nil
	case "on", "off":
		return control.Value(text == "on"), nil
	}
	return control.Member[bool]{}, usagef("cannot use --%s %q; allowed: on, off, inherit", flag, text)
}

func listOf(list []string) control.Member[[]string] {
	switch {
	case len(list) == 1 && list[0] == inherit:
		return control.Null[[]string]()
	case len(list) == 0 || (len(list) == 1 && (list[0] == "none" || list[0] == "")):
		return control.Value([]string{})
	}
	return control.Value(list)
}

func secondsOf(flag, text string) (control.Member[float64], error) {
	if text == inherit {
		return control.Null[float64](), nil
	}
	span, ok := spanOf(text)
	if !ok || span <= 0 {
		return control.Member[float64]{}, usagef("cannot use --%s %q: it must be a time like 30m, or inherit", flag, text)
	}
	return control.Value(span.Seconds()), nil
}

func newContactsSet(a *app) *cobra.Command {
	var flags contactFlags
	cmd := &cobra.Command{
		Use:   "set NAME|THUMBPRINT",
		Short: "Change what a contact may do",
		Long: `Change what a contact may do. Only what is named changes; inherit gives a thing back to
the contact's groups and the default of the configuration. A running call keeps its
limit; it ends when the right to it (call, or beCalled) is taken away, and its camera is
turned off when the contact may not see it any more.

` + rightsHelp,
		Example: `  callboxctl contacts set Anna --rights call,beCalled,unlock
  callboxctl contacts set Bert --hours "Mon-Fri 08:00-20:00" --hours "Sat 10:00-14:00" --day 1h
  callboxctl contacts set Bert --rights inherit --groups family`,
		Args:              exactly("a name or a thumbprint"),
		ValidArgsFunction: a.names(everybody, false, false),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := flags.change(cmd)
			if err != nil {
				return err
			}
			if cmd.Flags().NFlag() == countPersistent(cmd) {
				return usagef("%s needs something to change, like --rights", cmd.CommandPath())
			}
			contact, err := a.client().ChangeContact(cmd.Context(), args[0], change)
			if err != nil {
				return err
			}
			return a.show(contact, func(w io.Writer) { printContact(w, contact) })
		},
	}
	flags.register(cmd)
	return cmd
}

// countPersistent is how many of the flags that were given belong to every verb.
func countPersistent(cmd *cobra.Command) int {
	n := 0
	for _, name := range []string{"json", "socket"} {
		if cmd.Flags().Changed(name) {
			n++
		}
	}
	return n
}

func newContactsAdd(a *app) *cobra.Command {
	var flags contactFlags
	jwk := ""
	cmd := &cobra.Command{
		Use:   "add NAME --jwk FILE",
		Short: "Add a phone by its public key",
		Long: `Add a phone by its public key, a P-256 key as a JWK. Whoever adds it vouches for it:
callboxctl pair proves the key instead.

` + rightsHelp,
		Example: `  callboxctl contacts add Anna --jwk anna.json --rights call,beCalled
  echo '{"kty":"EC","crv":"P-256","x":"…","y":"…"}' | callboxctl contacts add Anna --jwk -`,
		Args: exactly("the name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := flags.change(cmd)
			if err != nil {
				return err
			}
			n := control.NewContact{Name: args[0], Rights: change.Rights.Value, Groups: change.Groups.Value, Hours: change.Hours.Value,
				MaxSeconds: change.MaxSeconds.Value, DaySeconds: change.DaySeconds.Value}
			if change.Camera.Set && !change.Camera.Null {
				n.Camera = &change.Camera.Value
			}
			if change.ThroughDND.Set && !change.ThroughDND.Null {
				n.ThroughDND = &change.ThroughDND.Value
			}
			if n.JWK, err = a.readKey(jwk); err != nil {
				return err
			}
			contact, err := a.client().AddContact(cmd.Context(), n)
			if err != nil {
				return err
			}
			return a.show(contact, func(w io.Writer) { printContact(w, contact) })
		},
	}
	flags.register(cmd)
	cmd.Flags().StringVar(&jwk, "jwk", "", "the `file` with the key, or - for the standard input")
	return cmd
}

// readKey reads a JWK from a file or the standard input.
func (a *app) readKey(file string) (k key.JWK, err error) {
	var raw []byte
	switch file {
	case "":
		return k, usagef("contacts add needs --jwk FILE, or - for the standard input")
	case "-":
		raw, err = io.ReadAll(io.LimitReader(a.in, 64<<10))
	default:
		raw, err = os.ReadFile(file)
	}
	if err != nil {
		return k, fmt.Errorf("cannot read the key: %w", err)
	}
	dec := json.NewDecoder(strings.NewReader(string(raw)))
	dec.DisallowUnknownFields() // a private key does not belong here
	if err := dec.Decode(&k); err != nil {
		return k, usagef("cannot read the key in %s: %v; it must be {\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":…,\"y\":…} and nothing else", file, err)
	}
	return k, nil
}

// printContact shows one contact in full.
func printContact(w io.Writer, c control.Contact) {
	table(w, func(t io.Writer) {
		fmt.Fprintf(t, "Name\t%s\nThumbprint\t%s\nRights\t%s\n", oneLine(c.Name), c.Thumbprint, rightsText(c))
		for _, line := range []struct{ name, text string }{
			{"Groups", strings.Join(c.Groups, ", ")},
			{"Longest call", spanText(c.MaxSeconds)},
			{"Talk a day", spanText(c.DaySeconds)},
			{"Hours", strings.Join(c.Hours, ", ")},
			{"Camera", flagText(c.Camera)},
			{"Through do-not-disturb", flagText(c.ThroughDND)},
		} {
			if line.text != "" {
				fmt.Fprintf(t, "%s\t%s\n", line.name, oneLine(line.text))
			}
		}
	})
}

// spanText writes seconds like 1h30m; 0 is nothing.
func spanText(seconds float64) string {
	if seconds == 0 {
		return ""
	}
	text := time.Duration(seconds * float64(time.Second)).Round(time.Millisecond).String()
	for _, zero := range []string{"m0s", "h0m"} { // 2h0m0s is 2h
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-len("0s")]
		}
	}
	return text
}

func flagText(allowed *bool) string {
	switch {
	case allowed == nil:
		return ""
	case *allowed:
		return "on"
	}
	return "off"
}
