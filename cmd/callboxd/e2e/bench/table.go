package bench

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Verdict says how a line compares with what is promised.
type Verdict string

// All verdicts.
const (
	Met         Verdict = "met"
	Missed      Verdict = "missed"
	NoAim       Verdict = ""
	NotMeasured Verdict = "not measured"
)

// Line is one line of the table.
type Line struct {
	Key     string  `json:"key"`
	What    string  `json:"what"`
	Unit    string  `json:"unit,omitempty"`
	Own     *Figure `json:"own,omitempty"` // nil: not measured
	Peer    *Figure `json:"peer,omitempty"`
	Ratio   *Figure `json:"ratio,omitempty"`
	Aim     string  `json:"aim,omitempty"`
	Verdict Verdict `json:"verdict"`
	How     string  `json:"how,omitempty"` // what measures it, if make bench alone does not
}

// Conditions are those of a run.
type Conditions struct {
	Date    time.Time `json:"date"`
	Machine string    `json:"machine"` // cores, architecture and kernel; nothing that names it
	Cores   int       `json:"cores"`
	Load    float64   `json:"load"`   // the load average of a minute before it: the work of others
	Rounds  int       `json:"rounds"` // of each comparison with the peer
}

// busy says that the machine had more to do than this run.
func (c Conditions) busy() bool { return c.Load > float64(c.Cores)/4 }

// String is a paragraph.
func (c Conditions) String() string {
	text := fmt.Sprintf("Measured on %s: %s, load average %.1f before it began. %d alternating rounds with each codec.\n",
		c.Date.Format(time.DateOnly), c.Machine, c.Load, c.Rounds)
	if c.busy() {
		text += "**The machine had other work**, and the browser too little time: its latencies, the times to the first picture\n" +
			"and the end at the limit are worse than those of an idle machine. Processor time, memory and the ratios of both count.\n"
	}
	return text
}

// Table is what a run of make bench has to say.
type Table struct {
	Conditions
	Lines []Line `json:"lines"`
}

// NewTable lays what was measured beside what is promised.
func NewTable(c Conditions, s *Set) Table {
	c.Date = c.Date.UTC().Truncate(time.Second)
	t := Table{Conditions: c}
	for _, r := range Rows {
		l := Line{Key: r.Key, What: r.What, Unit: r.Unit, Aim: r.aim(), How: r.How, Verdict: NotMeasured}
		l.Own, l.Peer, l.Ratio = find(s.Own, r.Key), find(s.Peer, r.Key), find(s.Ratio, r.Key)
		judged := l.Own
		if r.Ratio {
			judged = l.Ratio
		}
		switch {
		case judged == nil:
		case r.Aim.kind == aimNone:
			l.Verdict = NoAim
		case r.Aim.met(judged.Value):
			l.Verdict = Met
		default:
			l.Verdict = Missed
		}
		t.Lines = append(t.Lines, l)
	}
	return t
}

func find(m map[string]Figure, key string) *Figure {
	if f, ok := m[key]; ok {
		return &f
	}
	return nil
}

// aim is what is promised, in words.
func (r Row) aim() string {
	sign := map[aimKind]string{aimMost: "≤ ", aimLeast: "≥ ", aimBelow: "< "}[r.Aim.kind]
	switch {
	case sign == "":
		return ""
	case r.Ratio:
		return sign + strconv.FormatFloat(r.Aim.bar, 'f', 1, 64) + " ×"
	}
	return sign + strconv.FormatFloat(r.Aim.bar, 'g', -1, 64)
}

// JSON returns the table for other programs.
func (t Table) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(t, "", "  ")
	return append(text, '\n'), err
}

// heads are those of the columns.
var heads = []string{"what", "unit", "callbox", "webrtcbin", "ratio", "aim", ""}

func (l Line) cells() []string {
	verdict := string(l.Verdict)
	if l.Verdict == NotMeasured && l.How != "" {
		verdict += "; " + l.How + " does"
	}
	if l.Own != nil && l.Own.Date != "" {
		verdict = strings.TrimSpace(verdict + " (" + l.Own.Date + ")")
	}
	return []string{l.What, l.Unit, l.Own.text(""), l.Peer.text(""), l.Ratio.text(" ×"), l.Aim, verdict}
}

// text is the median, and in brackets the smallest and the largest where there was more
// than one round.
func (f *Figure) text(unit string) string {
	switch {
	case f == nil:
		return ""
	case f.Rounds < 2:
		return number(f.Value) + unit
	}
	return fmt.Sprintf("%s%s (%s–%s)", number(f.Value), unit, number(f.Low), number(f.High))
}

// number has three digits that count, or all before the point.
func number(v float64) string {
	switch a := math.Abs(v); {
	case v == math.Trunc(v) && a < 1e6, a >= 100:
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
}

// Text returns the table for a terminal.
func (t Table) Text() string {
	var b strings.Builder
	b.WriteString(t.String() + "\n")
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(heads, "\t"))
	for _, l := range t.Lines {
		fmt.Fprintln(w, strings.Join(l.cells(), "\t"))
	}
	_ = w.Flush() // into memory
	return b.String()
}

// Markdown returns the table for docs/benchmarks.md.
func (t Table) Markdown() string {
	var b strings.Builder
	b.WriteString(t.String() + "\n")
	line := func(cells []string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(heads)
	b.WriteString(strings.Repeat("|---", len(heads)) + "|\n")
	for _, l := range t.Lines {
		line(l.cells())
	}
	return b.String()
}

// The lines of a document between which the table stands.
const (
	tableBegin = "<!-- table: written by make bench -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

// Into returns a document with this table in place of the one that was there.
func (t Table) Into(document string) (string, error) {
	before, rest, ok := strings.Cut(document, tableBegin)
	_, after, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		return "", fmt.Errorf("cannot put the table into the document: it needs the lines %q and %q", strings.TrimSpace(tableBegin), strings.TrimSpace(tableEnd))
	}
	return before + tableBegin + "\n" + t.Markdown() + "\n" + tableEnd + after, nil
}
