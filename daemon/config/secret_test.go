package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCredentials: the unit asks for the credentials that are named here, and every guide
// tells of them and of no other way to bring a credential: with a path in the unit the
// daemon would not start where one is missing.
func TestCredentials(t *testing.T) {
	unit, err := os.ReadFile("../../systemd/callbox.service")
	if err != nil {
		t.Fatal(err)
	}
	var asked []string
	for _, m := range regexp.MustCompile(`(?m)^LoadCredentialEncrypted=(.*)$`).FindAllStringSubmatch(string(unit), -1) {
		asked = append(asked, m[1])
	}
	if !slices.Equal(asked, credentials) {
		t.Errorf("the unit asks for %v, want %v", asked, credentials)
	}
	guides, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(guides) == 0 {
		t.Fatalf("there are no guides: %v", err)
	}
	told := map[string]bool{}
	for _, guide := range guides {
		text, err := os.ReadFile(guide)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "LoadCredential") {
			t.Errorf("%s has a way of its own to bring a credential", guide)
		}
		for _, m := range regexp.MustCompile(`credstore\.encrypted/([\w.-]+)|_file: ([a-z][\w.-]*)`).FindAllStringSubmatch(string(text), -1) {
			name := m[1] + m[2]
			if told[name] = true; !slices.Contains(credentials, name) {
				t.Errorf("%s names the credential %s, which the unit does not ask for", guide, name)
			}
		}
	}
	for _, name := range credentials {
		if !told[name] {
			t.Errorf("no guide tells of %s", name)
		}
	}
}
