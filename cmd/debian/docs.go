package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
)

func newDocs() *cobra.Command {
	return &cobra.Command{
		Use:   "docs DIRECTORY",
		Short: "write README.md and the guides as they stand beside each other in /usr/share/doc",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return docs(".", args[0]) },
	}
}

// places says where files of the source are in /usr/share/doc/callbox, where that is not
// beside the guides. Of what is not installed the text of the link is enough.
var places = map[string]string{
	"CHANGELOG.md":               "changelog.gz",
	"LICENSE":                    "copyright",
	"docs/callbox.yaml":          "examples/callbox.yaml",
	"docs/examples/backend-node": "examples/backend-node",
	"docs/examples/relay":        "examples/relay",
	"docs/openapi.yaml":          "openapi.yaml",
}

// link is one of Markdown, and the ! before a picture.
var link = regexp.MustCompile(`(!?)\[([^\]]*)\]\(([^)\s]+)\)`)

// docs writes the guides of the source at root.
func docs(root, to string) error {
	guides, err := filepath.Glob(filepath.Join(root, "docs/*.md"))
	if err != nil {
		return err // of a pattern that is none
	}
	for _, file := range append(guides, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("cannot read a guide: %w", err)
		}
		from, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return fmt.Errorf("cannot read a guide: %w", err)
		}
		if err := output(filepath.Join(to, filepath.Base(file)), []byte(relink(string(text), from))); err != nil {
			return err
		}
	}
	return nil
}

// relink turns the links of a page in a folder of the source into those of the installed
// page. Pictures are not installed.
func relink(text, from string) string {
	return link.ReplaceAllStringFunc(text, func(l string) string {
		m := link.FindStringSubmatch(l)
		picture, label, target := m[1], m[2], m[3]
		if strings.Contains(target, "://") || strings.HasPrefix(target, "#") || strings.HasPrefix(target, "mailto:") {
			return l
		}
		file, anchor, _ := strings.Cut(target, "#")
		file = path.Join(from, file)
		place, known := places[file]
		switch {
		case known:
		case path.Dir(file) == "docs" && path.Ext(file) == ".md":
			place = path.Base(file)
		case file == "README.md":
			place = file
		}
		if picture != "" || place == "" {
			return label
		}
		if anchor != "" {
			place += "#" + anchor
		}
		return "[" + label + "](" + place + ")"
	})
}
