package main

import (
	"os"
	"strings"
	"unicode"

	"golang.org/x/term"
	"golang.org/x/text/width"
)

// Marks in what is written for people; the writer makes colours of them, or
// nothing. They are of Unicode's private use, so that nothing that comes from a
// phone can be one: clean takes them out of it.
const (
	plain  = '\uE000'
	bold   = '\uE001'
	dim    = '\uE002'
	red    = '\uE003'
	green  = '\uE004'
	yellow = '\uE005'
)

// sequences are those of ECMA-48, SGR.
var sequences = map[rune]string{
	plain: "\x1b[0m", bold: "\x1b[1m", dim: "\x1b[2m", red: "\x1b[31m", green: "\x1b[32m", yellow: "\x1b[33m",
}

// paint marks text.
func paint(mark rune, text string) string { return string(mark) + text + string(plain) }

// dye makes colours of the marks, or takes them out.
func dye(text string, colours bool) string {
	var b strings.Builder
	for _, r := range text {
		sequence, mark := sequences[r]
		switch {
		case !mark:
			b.WriteRune(r)
		case colours:
			b.WriteString(sequence)
		}
	}
	return b.String()
}

// clean makes text of a stranger harmless for a terminal: no control character can
// move the cursor or rewrite what stands there, no mark of direction can turn a
// name around. New lines and tabulators stay.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp):
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// columns is how wide text is in a terminal.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n += runeColumns(r)
	}
	return n
}

func runeColumns(r rune) int {
	if _, mark := sequences[r]; mark || unicode.In(r, unicode.Mn, unicode.Me) {
		return 0
	}
	if kind := width.LookupRune(r).Kind(); kind == width.EastAsianWide || kind == width.EastAsianFullwidth {
		return 2
	}
	return 1
}

// clip cuts text to a width; what is cut off is shown by a sign, and a colour ends
// with it.
func clip(text string, most int) string {
	if columns(text) <= most {
		return text
	}
	var b strings.Builder
	n := 0
	for _, r := range text {
		if w := runeColumns(r); n+w > most-1 {
			break
		} else {
			n += w
		}
		b.WriteRune(r)
	}
	return b.String() + "…" + string(plain)
}

// pad fills text up to a width.
func pad(text string, to int) string {
	return text + strings.Repeat(" ", max(0, to-columns(text)))
}

// leastWrapped is how narrow a column may be into which text is wrapped, in columns.
const leastWrapped = 20

// wrap breaks text between words so that no line is wider than width, where that is
// possible; 0 breaks nothing. The text begins in the column indent, and so do its other
// lines. It has no marks.
func wrap(text string, indent, width int) string {
	if width-indent < leastWrapped {
		return text
	}
	var b strings.Builder
	at := indent
	for i, word := range strings.Fields(text) {
		n := columns(word)
		switch {
		case i == 0:
		case at+1+n > width:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += n
	}
	return b.String()
}

// widthOf is how many columns the terminal w has; 0: it is none.
func widthOf(w any) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// isTerminal reports whether w is a terminal.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// wantsColour reports whether colours may go to w: it is a terminal that knows
// them, and nobody has said no (no-color.org).
func wantsColour(w any) bool {
	return isTerminal(w) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
}
