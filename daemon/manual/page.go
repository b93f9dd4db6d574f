package manual

import (
	"fmt"
	"strings"
)

// Page is one page while it is written. The methods add to its end.
type Page struct{ b strings.Builder }

// NewPage begins a page: its name (callboxctl-call), its section (1, 5, 8), what
// stands in its foot (date as 2006-01-02, version) and what it is in one line, without
// a full stop.
func NewPage(name string, section int, date, version, short string) *Page {
	p := &Page{}
	fmt.Fprintf(&p.b, ".TH %s %d %s %s %s\n", quote(strings.ToUpper(name)), section, quote(date), quote(version), quote("callbox"))
	p.b.WriteString(".nh\n.ad l\n") // no hyphens: words are commands and keys
	p.Section("Name")
	fmt.Fprintf(&p.b, "%s \\- %s\n", escape(name), escape(short))
	return p
}

// Section begins a section.
func (p *Page) Section(title string) {
	fmt.Fprintf(&p.b, ".SH %s\n", quote(strings.ToUpper(title)))
}

// Subsection begins a part of a section.
func (p *Page) Subsection(title string) { fmt.Fprintf(&p.b, ".SS %s\n", quote(title)) }

// Text adds paragraphs, which an empty line separates. Lines that begin with two
// spaces stay as they are.
func (p *Page) Text(text string) {
	for block := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		p.b.WriteString(".PP\n")
		p.block(block)
	}
}

// block writes one paragraph.
func (p *Page) block(text string) {
	verbatim := false
	for line := range strings.SplitSeq(text, "\n") {
		if keep := strings.HasPrefix(line, "  "); keep != verbatim {
			p.b.WriteString(map[bool]string{true: ".nf\n", false: ".fi\n"}[keep])
			verbatim = keep
		}
		p.line(line)
	}
	if verbatim {
		p.b.WriteString(".fi\n")
	}
}

// line writes one line. One that would be read as a request is not.
func (p *Page) line(text string) {
	text = escape(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	p.b.WriteString(text + "\n")
}

// Verbatim adds lines that stay as they are, set in by four columns.
func (p *Page) Verbatim(text string) {
	p.b.WriteString(".PP\n.RS 4\n.nf\n")
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		p.line(line)
	}
	p.b.WriteString(".fi\n.RE\n")
}

// Item adds a term, in bold, and what there is to say of it; an empty line separates
// its paragraphs.
func (p *Page) Item(term, text string) {
	fmt.Fprintf(&p.b, ".TP\n.B %s\n", quote(term))
	for i, block := range strings.Split(strings.Trim(text, "\n"), "\n\n") {
		if i > 0 {
			p.b.WriteString(".IP\n")
		}
		p.block(block)
	}
}

// Synopsis adds one way to write a command: its name in bold, then the rest.
func (p *Page) Synopsis(command, rest string) {
	fmt.Fprintf(&p.b, ".PP\n.B %s\n", quote(command))
	if rest != "" {
		p.line(rest)
	}
}

// SeeAlso is the section of that name; each page as name(section).
func (p *Page) SeeAlso(pages ...string) {
	if len(pages) == 0 {
		return
	}
	p.Section("See also")
	for i, page := range pages {
		name, section, _ := strings.Cut(page, "(")
		comma := ","
		if i == len(pages)-1 {
			comma = ""
		}
		fmt.Fprintf(&p.b, ".BR %s (%s%s\n", escape(name), escape(section), comma)
	}
}

// String is the page.
func (p *Page) String() string { return p.b.String() }

// escaper keeps what a reader copies as it is: - would become a hyphen, and the
// others typographic marks.
var escaper = strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`)

func escape(text string) string { return escaper.Replace(text) }

// quote makes one argument of a request.
func quote(text string) string { return `"` + strings.ReplaceAll(escape(text), `"`, `\(dq`) + `"` }
