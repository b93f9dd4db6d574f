package daemon

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/direct"
	"callbox/signaling/mqtt"
	"callbox/signaling/relay"
)

// TestEveryRefusalIsExplained holds the table of docs/no-ring.md to the words that status
// can show: each has one row, and no row is of another word.
func TestEveryRefusalIsExplained(t *testing.T) {
	text, err := os.ReadFile("../docs/no-ring.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Za-z]+)` \\| .+ \\| .+ \\|$").FindAllSubmatch(text, -1) {
		rows[string(m[1])]++
	}
	var words []string
	add := func(word string) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	for _, r := range signaling.Reasons() {
		add(string(r))
	}
	for _, r := range direct.Reasons() {
		add(string(r))
	}
	for _, r := range mqtt.Reasons() {
		add(string(r))
	}
	for _, r := range relay.Reasons() {
		add(string(r))
	}
	for _, c := range []cause.Cause{cause.DND, cause.Forbidden, cause.Busy, cause.Aborted} { // loop.turnAway
		add(string(c))
	}
	for _, word := range words {
		if rows[word] != 1 {
			t.Errorf("docs/no-ring.md has %d rows of %q, want 1", rows[word], word)
		}
		delete(rows, word)
	}
	for word := range rows {
		t.Errorf("docs/no-ring.md explains %q, which nothing counts", word)
	}
}
