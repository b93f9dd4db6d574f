package main

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"callbox/hal/haltest"
)

const root = "../.."

func text(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// field is the list in a field of debian/control.
func field(t *testing.T, name string) []string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `:((?:.*\n)(?: .*\n)*)`).FindStringSubmatch(text(t, "packaging/debian/control"))
	if m == nil {
		t.Fatalf("debian/control has no %s", name)
	}
	var out []string
	for one := range strings.SplitSeq(m[1], ",") {
		out = append(out, strings.TrimSpace(one))
	}
	return out
}

// set is a list of packages in .ci/setup.
func set(t *testing.T, name string) []string {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + `="(.*)"$`).FindStringSubmatch(text(t, ".ci/setup"))
	if m == nil {
		t.Fatalf(".ci/setup has no list %s", name)
	}
	return strings.Fields(m[1])
}

// TestBuildDepends: what .ci/setup installs to build, and libraries that only packages
// are built with, are what the package says that it needs to be built.
func TestBuildDepends(t *testing.T) {
	var want []string
	for _, p := range set(t, "deb") {
		if strings.HasPrefix(p, "lib") && strings.HasSuffix(p, "-dev") {
			want = append(want, p)
		}
	}
	for _, p := range set(t, "build") {
		// Compilers are there wherever packages are built, and Go brings its own certificates' reader.
		if !slices.Contains([]string{"gcc", "g++", "libc6-dev", "ca-certificates"}, p) {
			want = append(want, p)
		}
	}
	got := slices.DeleteFunc(field(t, "Build-Depends"), func(p string) bool {
		return strings.HasPrefix(p, "debhelper-compat ") || strings.HasPrefix(p, "dh-sequence-")
	})
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("Build-Depends has %v, .ci/setup %v", got, want)
	}
}

// loaded are the libraries that are loaded by name, which dh_shlibdeps cannot see: the
// packages that have them, as they must stand in a field.
var loaded = map[string][2]string{
	"libasound.so.2":     {"Depends", "libasound2t64 | libasound2"},
	"libopenh264.so.7":   {"Recommends", "libopenh264-8 | libopenh264-7"},
	"libopenh264.so.8":   {"Recommends", "libopenh264-8 | libopenh264-7"},
	"libpulse.so.0":      {"Suggests", "libpulse0"},     // miniaudio, which is no code of ours, loads it
	"callbox-avcodec.so": {"Suggests", "callbox-hwenc"}, // ours
}

// TestLoadedLibraries: what our own code loads by name is in the table, what is in the
// table is in debian/control, and a package has the generation that its library has.
func TestLoadedLibraries(t *testing.T) {
	for name, d := range loaded {
		if !slices.Contains(field(t, d[0]), d[1]) {
			t.Errorf("%s does not name %s", d[0], d[1])
		}
		if library, generation, ok := strings.Cut(name, ".so."); ok && !regexp.MustCompile(`(^| )`+library+`-?`+generation+`($| )`).MatchString(d[1]) {
			t.Errorf("%s does not bring %s", d[1], name)
		}
	}
	missing := maps.Clone(loaded)
	delete(missing, "libpulse.so.0")
	for _, top := range []string{"hal", "media", "signaling", "daemon", "cmd"} {
		for dir, source := range loaders(t, filepath.Join(root, top)) {
			names := regexp.MustCompile(`"([\w.-]+\.so(?:\.\d+)*)"`).FindAllStringSubmatch(source, -1)
			if len(names) == 0 {
				t.Errorf("%s loads a library, and no text of its is the name of one", dir)
			}
			for _, m := range names {
				if _, ok := loaded[m[1]]; !ok {
					t.Errorf("%s loads %s, which no field of debian/control is known to bring", dir, m[1])
				}
				delete(missing, m[1])
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("nothing loads %v", missing)
	}
}

// loaders are the folders of which a source calls dlopen, with all their sources.
func loaders(t *testing.T, top string) map[string]string {
	t.Helper()
	sources, calls := map[string]string{}, map[string]bool{}
	err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "node_modules":
			return filepath.SkipDir
		case d.IsDir() || strings.HasSuffix(path, "_test.go") || !slices.Contains([]string{".go", ".c", ".cc", ".cpp", ".h"}, filepath.Ext(path)):
			return nil
		}
		text, err := os.ReadFile(path)
		sources[filepath.Dir(path)] += string(text)
		if regexp.MustCompile(`\bdlopen\(`).Match(text) {
			calls[filepath.Dir(path)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	maps.DeleteFunc(sources, func(dir, _ string) bool { return !calls[dir] })
	return sources
}

// TestConffile: a configuration that was edited on a device and has changed in the
// package makes an unattended upgrade stop and ask. So it never changes.
func TestConffile(t *testing.T) {
	sum := sha256.Sum256([]byte(text(t, "packaging/debian/callbox.yaml")))
	if got := hex.EncodeToString(sum[:]); got != conffile {
		t.Errorf("the conffile has changed (%s): defaults belong into the program, explanations into docs/callbox.yaml", got)
	}
}

const conffile = "382ae566e6374b2cef9737fbdf3e3a9f28d9d0ac5c2cbcc990b6e406bbecae65"

// TestChangelog reads CHANGELOG.md as Debian wants it.
func TestChangelog(t *testing.T) {
	r := release{version: "1.2.3", suffix: "~deb12u1", codename: "bookworm"}
	at := time.Date(2026, 11, 27, 11, 48, 0, 0, time.UTC)
	got, err := changelog("# Changelog\n\nWords.\n\n## [1.2.3] - 2026-11-27\n\n### Added\n\n- One `thing`\n  more ([the guide](docs/x.md)).\n- Two.\n\n### Fixed\n\n- Three, which is so long that it does not fit into a single line of the file.\n\n## [1.2.2]\n\n- Old.\n",
		"Anna <anna@door.example>", r, at)
	want := `callbox (1.2.3~deb12u1) bookworm; urgency=medium

  * One thing more (the guide).
  * Two.
  * Three, which is so long that it does not fit into a single line of the
    file.

 -- Anna <anna@door.example>  Fri, 27 Nov 2026 11:48:00 +0000
`
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, got)
	}
	unreleased, err := changelog("# Changelog\n\n## [Unreleased]\n\n- Not yet.\n\n## [1.2.3]\n\n- New.\n", "", r, at)
	if err != nil || !strings.Contains(unreleased, "New.") || strings.Contains(unreleased, "Not yet.") {
		t.Errorf("%v\n%s", err, unreleased)
	}
	if _, err := changelog("# Changelog\n", "", r, at); err == nil {
		t.Error("a changelog without a version gives no error")
	}
	if len(text(t, "CHANGELOG.md")) == 0 || maintainer(text(t, "packaging/debian/control")) == "" {
		t.Error("nothing to make a changelog of")
	}
}

// TestTree: what dpkg-buildpackage gets.
func TestTree(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		haltest.Missing(t, "git")
	}
	dir, to := t.TempDir(), filepath.Join(t.TempDir(), "src")
	write := func(name, text string) {
		if err := output(filepath.Join(dir, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write(".gitignore", "/build/\nnode_modules/\n/signaling/phone/dist/*\n!/signaling/phone/dist/.gitignore\n")
	write("go.mod", "module door\n")
	write("build/x", "no")
	write("CHANGELOG.md", "## [1.0.0]\n\n- First.\n")
	write("packaging/debian/control", "Source: x\nMaintainer: Anna <anna@door.example>\n")
	write("packaging/debian/rules", "#!/usr/bin/make -f\n")
	if err := os.Chmod(filepath.Join(dir, "packaging/debian/rules"), 0o755); err != nil {
		t.Fatal(err)
	}
	write("signaling/phone/package.json", `{"bundled":["mqtt"]}`)
	write("signaling/phone/package-lock.json", `{"packages":{"":{},"node_modules/mqtt":{"version":"5.0.0","dev":true},"node_modules/tool":{"version":"1.0.0","dev":true}}}`)
	write("signaling/phone/node_modules/mqtt/LICENSE.md", mitText)
	write("signaling/phone/node_modules/mqtt/index.js", "no")
	write("signaling/phone/dist/.gitignore", "")
	if out, err := exec.CommandContext(t.Context(), "git", "-C", dir, "init", "-q").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	r := release{version: "1.0.0", codename: "bookworm", seconds: "1795785306"}
	if err := tree(dir, to, r); err == nil || !strings.Contains(err.Error(), "make phone") {
		t.Errorf("without a page: %v", err)
	}
	write("signaling/phone/dist/page/index.html", "page")
	if err := tree(dir, to, r); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.WalkDir(to, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			got = append(got, strings.TrimPrefix(path, to+"/"))
		}
		return err
	})
	want := []string{
		".gitignore", "CHANGELOG.md", "debian/changelog", "debian/control", "debian/rules", "go.mod",
		"signaling/phone/dist/.gitignore", "signaling/phone/dist/page/index.html", "signaling/phone/node_modules/mqtt/LICENSE.md", "signaling/phone/package-lock.json", "signaling/phone/package.json",
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v: the tree has %v, want %v", err, got, want)
	}
	if info, err := os.Stat(filepath.Join(to, "debian/rules")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("rules cannot be run: %v %v", info, err)
	}
}
