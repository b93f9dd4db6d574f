package manual

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Options say what the pages of a tree of commands have in common.
type Options struct {
	Section int      // 1 or 8
	Date    string   // 2006-01-02
	Version string   // of the program
	Also    []string // further pages to see, as name(section)
	// Root adds sections to the page of the root.
	Root func(p *Page)
}

// Commands returns the pages of root and of everything below it, by the name of
// their files: callboxctl-contacts-add.1. A command that neither runs nor explains
// anything has none.
func Commands(root *cobra.Command, o Options) map[string]string {
	pages := map[string]string{}
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if hasPage(cmd) {
			pages[fmt.Sprintf("%s.%d", pageName(cmd), o.Section)] = command(cmd, o)
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
	return pages
}

// Write writes pages into dir, which it makes.
func Write(dir string, pages map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // manual pages are for everybody
		return fmt.Errorf("cannot write manual pages: %w", err)
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // as above
			return fmt.Errorf("cannot write a manual page: %w", err)
		}
	}
	return nil
}

// hasPage leaves out what is hidden and cobra's own help.
func hasPage(cmd *cobra.Command) bool {
	return !cmd.Hidden && (cmd.Name() != "help" || !cmd.HasParent())
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func command(cmd *cobra.Command, o Options) string {
	p := NewPage(pageName(cmd), o.Section, o.Date, o.Version, cmd.Short)
	if cmd.Runnable() {
		p.Section("Synopsis")
		rest := strings.TrimPrefix(cmd.UseLine(), cmd.CommandPath())
		if !cmd.HasParent() {
			rest = " COMMAND [flags]"
		}
		p.Synopsis(cmd.CommandPath(), strings.TrimSpace(rest))
	}
	p.Section("Description")
	long := cmd.Long
	if long == "" {
		long = cmd.Short + "."
	}
	p.Text(long)
	commands(p, cmd, o.Section)
	cmd.InitDefaultHelpFlag()
	flags(p, "Options", cmd.NonInheritedFlags())
	flags(p, "Options of every command", cmd.InheritedFlags())
	if cmd.Example != "" {
		p.Section("Examples")
		p.Verbatim(cmd.Example)
	}
	if !cmd.HasParent() && o.Root != nil {
		o.Root(p)
	}
	p.SeeAlso(also(cmd, o)...)
	return p.String()
}

// commands lists what stands directly below cmd, by its groups.
func commands(p *Page, cmd *cobra.Command, section int) {
	var subs []*cobra.Command
	for _, sub := range cmd.Commands() {
		if hasPage(sub) {
			subs = append(subs, sub)
		}
	}
	if len(subs) == 0 {
		return
	}
	p.Section("Commands")
	list := func(group string) {
		for _, sub := range subs {
			if sub.GroupID == group {
				p.Item(fmt.Sprintf("%s(%d)", pageName(sub), section), sub.Short+".")
			}
		}
	}
	for _, g := range cmd.Groups() {
		p.Subsection(strings.TrimSuffix(g.Title, ":"))
		list(g.ID)
	}
	if len(cmd.Groups()) > 0 && slices.ContainsFunc(subs, func(c *cobra.Command) bool { return c.GroupID == "" }) {
		p.Subsection("More")
	}
	list("")
}

func flags(p *Page, title string, set *pflag.FlagSet) {
	first := true
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		if first {
			p.Section(title)
			first = false
		}
		name, usage := pflag.UnquoteUsage(f)
		term := "--" + f.Name
		if f.Shorthand != "" {
			term = "-" + f.Shorthand + ", " + term
		}
		if name != "" {
			term += " " + name
		}
		text := strings.ToUpper(usage[:1]) + usage[1:] + "."
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && f.DefValue != "0" && f.DefValue != "0s" {
			text += " Default: " + f.DefValue + "."
		}
		p.Item(term, text)
	})
}

// also are the command above, those beside it that have a common parent other than the
// root, and what the options name.
func also(cmd *cobra.Command, o Options) []string {
	var pages []string
	if cmd.HasParent() {
		pages = append(pages, fmt.Sprintf("%s(%d)", pageName(cmd.Parent()), o.Section))
		if cmd.Parent().HasParent() {
			for _, sister := range cmd.Parent().Commands() {
				if sister != cmd && hasPage(sister) {
					pages = append(pages, fmt.Sprintf("%s(%d)", pageName(sister), o.Section))
				}
			}
		}
	}
	return append(pages, o.Also...)
}
