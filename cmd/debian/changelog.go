package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// sectionHead is the head of a version in CHANGELOG.md.
var sectionHead = regexp.MustCompile(`(?m)^## \[.*$`)

// markdownMark is what a text file needs no more: code marks, and the target of links.
var markdownMark = regexp.MustCompile("`|\\[([^]]*)\\]\\([^)]*\\)")

// changelog is Debian's, from the newest version in CHANGELOG.md.
func changelog(markdown, maintainer string, r release, at time.Time) (string, error) {
	heads := sectionHead.FindAllStringIndex(markdown, 2)
	if len(heads) == 0 {
		return "", fmt.Errorf("cannot find a version in CHANGELOG.md; it begins with ## [")
	}
	section := markdown[heads[0][1]:]
	if len(heads) == 2 {
		section = markdown[heads[0][1]:heads[1][0]]
	}
	var b strings.Builder
	fmt.Fprintf(&b, "callbox (%s%s) %s; urgency=medium\n\n", r.version, r.suffix, r.codename)
	for item := range strings.SplitSeq("\n"+section, "\n- ") {
		text, _, _ := strings.Cut(item, "\n\n") // a heading may follow the last item
		if strings.HasPrefix(item, "\n") {
			continue // what stands before the first item
		}
		bullet(&b, markdownMark.ReplaceAllString(text, "$1"))
	}
	fmt.Fprintf(&b, "\n -- %s  %s\n", maintainer, at.Format(time.RFC1123Z))
	return b.String(), nil
}

// bullet writes one item in lines of at most 78 columns.
func bullet(b *strings.Builder, text string) {
	line := "  *"
	for word := range strings.FieldsSeq(text) {
		if len(line)+1+len(word) > 78 {
			b.WriteString(line + "\n")
			line = "   "
		}
		line += " " + word
	}
	b.WriteString(line + "\n")
}

// maintainer is the field of that name in debian/control.
func maintainer(control string) string {
	for line := range strings.Lines(control) {
		if rest, ok := strings.CutPrefix(line, "Maintainer:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
