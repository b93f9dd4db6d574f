package main

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"callbox/cmd/callboxd/command"
	"callbox/daemon/manual"
)

// TestTheDaemonsPages: each command has a page with every flag that it takes.
func TestTheDaemonsPages(t *testing.T) {
	root := command.New(nil, nil)
	pages := manual.Commands(root, manual.Options{Section: 8, Root: daemonPage})
	flags := 0
	for _, c := range append(root.Commands(), root) {
		if c != root && !c.IsAvailableCommand() {
			continue
		}
		name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".8"
		page, ok := pages[name]
		if !ok {
			t.Errorf("there is no %s", name)
		}
		c.InitDefaultHelpFlag()
		c.Flags().VisitAll(func(f *pflag.Flag) {
			flags++
			if !f.Hidden && !strings.Contains(strings.ReplaceAll(page, `\-`, "-"), "--"+f.Name) {
				t.Errorf("%s has no --%s:\n%s", name, f.Name, page)
			}
		})
	}
	if flags < 4 {
		t.Errorf("the commands take %d flags: the test looks in the wrong place", flags)
	}
}
