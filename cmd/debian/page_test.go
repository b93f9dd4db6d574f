package main

import (
	"strings"
	"testing"

	"callbox/cmd/callboxd/command"
	"callbox/daemon/manual"
)

// TestTheDaemonsPage has every flag that the daemon takes.
func TestTheDaemonsPage(t *testing.T) {
	page := manual.Commands(command.New(nil, nil), manual.Options{Section: 8, Root: daemonPage})["callboxd.8"]
	for _, flag := range []string{"--version", "--help"} {
		if !strings.Contains(strings.ReplaceAll(page, `\-`, "-"), flag) {
			t.Errorf("callboxd(8) has no %s:\n%s", flag, page)
		}
	}
}
