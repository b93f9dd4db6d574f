package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// sectionHead is the head of a section in CHANGELOG.md, versionHead that of a version:
// what is to come may stand before it.
var (
	sectionHead = regexp.MustCompile(`(?m)^## \[.*$`)
	versionHead = regexp.MustCompile(`(?m)^## \[\d.*$`)
)

// markdownMark is what a text file needs no more: code marks, and the target of links.
var markdownMark = regexp.MustCompile("`|\\[([^]]*)\\]\\([^)]*\\)")

// changelog is Debian's, from the newest version in CHANGELOG.md.
func changelog(markdown, maintainer string, r release, at time.Time) (string, error) {
	head := versionHead.FindStringIndex(markdown)
	if head == nil {
		return "", fmt.Errorf("cannot find a version in CHANGELOG.md; it begins with ## [ and a number")
	}
	section := markdown[head[1]:]
	if next := sectionHead.FindStringIndex(section); next != nil {
		section = section[:next[0]]
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
