package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newCopyright() *cobra.Command {
	return &cobra.Command{
		Use:   "copyright FILE PROGRAM...",
		Short: "write debian/copyright of everything that is in the programs",
		Args:  cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			parts, err := allParts(args[1:])
			if err != nil {
				return err
			}
			text, err := copyright(parts)
			if err != nil {
				return err
			}
			return output(args[0], []byte(text))
		},
	}
}

// phoneDir is where the phone's page and its lock file are.
const phoneDir = "signaling/phone"

func allParts(programs []string) ([]part, error) {
	modules, err := goParts(programs)
	if err != nil {
		return nil, err
	}
	packages, err := npmParts(phoneDir)
	return append(modules, packages...), err
}

const copyrightHead = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: callbox
Comment: Made from what the programs are linked from, when the package was built.

Files: *
Copyright: 2026 The callbox authors
License: Apache-2.0
`

// commonLicence is where Debian has the text.
const commonLicence = ` Licensed under the Apache License, Version 2.0. On Debian systems its text is in
 /usr/share/common-licenses/Apache-2.0.
`

// copyright is the machine-readable copyright file. Parts with the same texts share
// one paragraph.
func copyright(parts []part) (string, error) {
	var b strings.Builder
	b.WriteString(copyrightHead)
	type group struct {
		parts []part
		names []string
	}
	var groups []*group
	byTexts := map[string]*group{}
	for _, p := range parts {
		names, err := p.names()
		if err != nil {
			return "", err
		}
		key := ""
		for _, l := range p.Licences {
			key += l.Text + "\x00"
		}
		g := byTexts[key]
		if g == nil {
			g = &group{names: names}
			byTexts[key] = g
			groups = append(groups, g)
		}
		g.parts = append(g.parts, p)
	}
	for _, g := range groups {
		paragraph(&b, g.parts, g.names)
	}
	b.WriteString("\nLicense: Apache-2.0\n" + commonLicence)
	return b.String(), nil
}

func paragraph(b *strings.Builder, parts []part, names []string) {
	first := parts[0]
	b.WriteString("\nFiles:\n")
	for _, p := range parts {
		fmt.Fprintf(b, " %s/%s@%s/*\n", p.Kind, p.Name, p.Version)
	}
	var owners []string
	for _, l := range first.Licences {
		for _, owner := range holders(l.Text) {
			if !slices.Contains(owners, owner) {
				owners = append(owners, owner)
			}
		}
	}
	if len(owners) == 0 {
		owners = []string{"the authors of " + first.Name}
	}
	b.WriteString("Copyright:\n " + strings.Join(owners, "\n ") + "\n")
	var short []string
	for _, name := range names {
		if other, ok := dep5[name]; ok {
			name = other
		}
		short = append(short, name)
	}
	b.WriteString("License: " + strings.Join(short, " and ") + "\n")
	for i, l := range first.Licences {
		if i > 0 {
			b.WriteString(" .\n")
		}
		if found, err := namesOf(l); err == nil && slices.Equal(found, []string{apache2}) {
			b.WriteString(commonLicence)
			continue
		}
		b.WriteString(continued(apacheAmongOthers.ReplaceAllString(l.Text, strings.ReplaceAll(commonLicence, "\n ", "\n"))))
	}
}

// apacheAmongOthers is the Apache licence among other texts in one file: Debian has it.
var apacheAmongOthers = regexp.MustCompile(`(?s)[ \t]*Apache License\s+Version 2\.0, January \d+.*?(?:limitations under the License\.|END OF TERMS AND CONDITIONS)\r?\n`)

// continued is a text as the lines of a field.
func continued(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimSpace(text), "\n") {
		line = strings.TrimRight(line, " \t\r")
		if line == "" {
			line = "."
		}
		b.WriteString(" " + line + "\n")
	}
	return b.String()
}
