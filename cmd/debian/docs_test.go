package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDocs: each link of an installed guide leads somewhere in the folder that it is
// installed in.
func TestDocs(t *testing.T) {
	dir := t.TempDir()
	if err := docs("../..", dir); err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{"changelog.gz": true, "copyright": true, "openapi.yaml": true}
	for _, place := range []string{"callbox.yaml", "backend-node", "relay"} { // what callbox.examples and its like put there
		there["examples/"+place] = true
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(pages) < 20 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	for _, p := range pages {
		there[filepath.Base(p)] = true
	}
	links := 0
	for _, p := range pages {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			file, _, _ := strings.Cut(m[3], "#")
			if strings.Contains(m[3], "://") || file == "" {
				continue
			}
			links++
			if m[1] != "" || !there[file] {
				t.Errorf("%s leads to %s, which is not installed", filepath.Base(p), m[0])
			}
		}
	}
	if links < 60 {
		t.Errorf("only %d links were looked at", links)
	}
}

func TestRelink(t *testing.T) {
	for _, tt := range []struct{ from, text, want string }{
		{".", "see [sound](docs/sound.md#echo) and [what](CHANGELOG.md)", "see [sound](sound.md#echo) and [what](changelog.gz)"},
		{"docs", "[sound](sound.md), [why](decisions/0016-echo.md), [home](../README.md)", "[sound](sound.md), why, [home](README.md)"},
		{".", "![The call page](docs/call-page.png) [web](https://example.com/a.md) [here](#top)", "The call page [web](https://example.com/a.md) [here](#top)"},
	} {
		if got := relink(tt.text, tt.from); got != tt.want {
			t.Errorf("relink(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}
