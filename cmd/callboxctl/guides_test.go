package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCommandsOfTheGuides: what the guides for a bad night name can be typed.
func TestCommandsOfTheGuides(t *testing.T) {
	for _, guide := range []string{"no-picture.md", "no-ring.md", "causes.md"} {
		text, err := os.ReadFile(filepath.Join(docs, guide))
		if err != nil {
			t.Fatal(err)
		}
		commands := regexp.MustCompile("`callboxctl ([^`]+)`").FindAllSubmatch(text, -1)
		if len(commands) < 3 {
			t.Errorf("%s names %d commands", guide, len(commands))
		}
		for _, m := range commands {
			words := strings.Fields(string(m[1]))
			cmd, rest, err := newRoot(&app{out: io.Discard, err: io.Discard}).Find(words)
			if err != nil || !cmd.HasParent() {
				t.Errorf("%s: there is no callboxctl %s: %v", guide, m[1], err)
				continue
			}
			for _, word := range rest {
				if flag, ok := strings.CutPrefix(word, "--"); ok && cmd.Flags().Lookup(flag) == nil && cmd.InheritedFlags().Lookup(flag) == nil {
					t.Errorf("%s: %s has no %s", guide, cmd.CommandPath(), word)
				}
			}
		}
	}
}
