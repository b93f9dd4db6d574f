package manual

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"callbox/hal/haltest"
)

func door() *cobra.Command {
	root := &cobra.Command{Use: "door", Short: "Open and close", Long: "door opens.\n.so is no request here.\n\n  as it is\n\nIt's \\ all.", Run: func(*cobra.Command, []string) {}}
	root.PersistentFlags().Bool("json", false, "print JSON")
	root.AddGroup(&cobra.Group{ID: "g", Title: "Doors:"})
	open := &cobra.Command{Use: "open NAME", Short: "Open it", Example: "  door open front", GroupID: "g", Run: func(*cobra.Command, []string) {}}
	open.Flags().StringP("for", "f", "1h", "how `long`")
	lock := &cobra.Command{Use: "lock", Short: "Locks", GroupID: "g"}
	lock.AddCommand(&cobra.Command{Use: "add", Short: "Add one", Run: func(*cobra.Command, []string) {}}, &cobra.Command{Use: "drop", Short: "Drop one", Run: func(*cobra.Command, []string) {}})
	root.AddCommand(open, lock, &cobra.Command{Use: "secret", Hidden: true, Short: "?", Run: func(*cobra.Command, []string) {}})
	return root
}

var options = Options{
	Section: 1, Date: "2026-01-02", Version: "1.2.3", Also: []string{"doord(8)"},
	Root: func(p *Page) { p.Section("Files"); p.Item("/etc/door", "The door.\n\nAnd more.") },
}

// render is the page as man(1) shows it; warnings fail the test.
func render(t *testing.T, page string) string {
	t.Helper()
	if _, err := exec.LookPath("man"); err != nil {
		haltest.Missing(t, "man")
	}
	file := filepath.Join(t.TempDir(), "page.1")
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "man", "--warnings", "-E", "UTF-8", "-l", file)
	cmd.Env = append(os.Environ(), "MANWIDTH=80", "LC_ALL=C.UTF-8")
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || errs.Len() > 0 {
		t.Fatalf("man: %v: %s", err, errs.String())
	}
	return strings.Join(strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' }), "\n")
}

// TestPages: which commands have a page.
func TestPages(t *testing.T) {
	var names []string
	for name := range Commands(door(), options) {
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"door-lock-add.1", "door-lock-drop.1", "door-lock.1", "door-open.1", "door.1"}; !slices.Equal(names, want) {
		t.Errorf("pages %v, want %v", names, want)
	}
}

// TestText: what a reader sees, mark by mark.
func TestText(t *testing.T) {
	pages := Commands(door(), options)
	for name, wants := range map[string][]string{
		"door.1": {
			"door - Open and close", "door COMMAND [flags]", ".so is no request here.", "\n         as it is\n", `It's \ all.`, "Doors\n", "door-open(1)",
			"Open it.", "--json Print JSON.", "/etc/door", "And more.", "doord(8)", "1.2.3", "2026-01-02",
		},
		"door-open.1":     {"door open NAME [flags]", "-f, --for long", "How long. Default: 1h.", "OPTIONS OF EVERY COMMAND", "door open front", "door(1), doord(8)"},
		"door-lock-add.1": {"door-lock(1), door-lock-drop(1), doord(8)"},
	} {
		text := render(t, pages[name])
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in\n%s", name, want, text)
			}
		}
	}
}

// TestSameBytes: two runs give the same.
func TestSameBytes(t *testing.T) {
	a, b := Commands(door(), options), Commands(door(), options)
	for name := range a {
		if a[name] != b[name] {
			t.Errorf("%s differs", name)
		}
	}
}
