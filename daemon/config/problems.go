package config

import (
	"fmt"
	"slices"
	"strings"
)

// ExitCode is the exit code of a program that refuses its configuration:
// EX_CONFIG of sysexits(3). systemd does not restart the daemon after it.
const ExitCode = 78

// Problem is one thing that is wrong in the configuration.
type Problem struct {
	Source string `json:"source"`          // file, or environment variable
	Line   int    `json:"line,omitzero"`   // from 1; 0: no place in a file
	Column int    `json:"column,omitzero"` // from 1
	Key    string `json:"key,omitzero"`    // dotted path, for example call.ring_timeout
	Text   string `json:"text"`            // what is wrong; what is allowed
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Source)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Column > 0 {
		fmt.Fprintf(&b, ":%d", p.Column)
	}
	if p.Key != "" {
		b.WriteString(": " + p.Key)
	}
	b.WriteString(": " + p.Text)
	return b.String()
}

// Problems is the error of a configuration that was read and refused: all that is
// wrong with it, in the order of the file.
type Problems []Problem

// Error gives one problem a line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, one := range p {
		lines[i] = one.String()
	}
	return strings.Join(lines, "\n")
}

// sorted puts the problems of the file in its order and those of the environment
// after them.
func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		switch {
		case (a.Line == 0) != (b.Line == 0):
			if a.Line == 0 {
				return 1
			}
			return -1
		case a.Line != b.Line:
			return a.Line - b.Line
		case a.Column != b.Column:
			return a.Column - b.Column
		}
		return strings.Compare(a.Source, b.Source)
	})
	return p
}
