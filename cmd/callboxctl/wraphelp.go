package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// wrapHelp lets the help of all verbs fit a terminal that is narrower than its prose, which
// is set at 88 columns.
func (a *app) wrapHelp(root *cobra.Command) {
	width := widthOf(a.out)
	if width == 0 {
		return // for programs, and pages that are made of it
	}
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "FlagUsages", fmt.Sprintf("FlagUsagesWrapped %d", width)))
	show := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		cmd.Long = wrapProse(cmd.Long, width)
		show(cmd, args)
	})
}

// wrapProse wraps the paragraphs of text that have a line wider than width. What is
// indented is no prose and stays.
func wrapProse(text string, width int) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		wide, indented := false, false
		for line := range strings.Lines(p) {
			wide = wide || columns(strings.TrimRight(line, "\n")) > width
			indented = indented || strings.HasPrefix(line, " ")
		}
		if wide && !indented {
			paragraphs[i] = wrap(p, 0, width)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}
