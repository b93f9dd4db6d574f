package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// checkout is a repository with nothing but what packaging/version looks at.
type checkout struct {
	t   *testing.T
	dir string
}

func (c *checkout) run(name string, args ...string) string {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), name, args...)
	cmd.Dir = c.dir
	// Nobody's own settings, and a commit later than the one before.
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c *checkout) write(file, content string) {
	c.t.Helper()
	path := filepath.Join(c.dir, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		c.t.Fatal(err)
	}
}

// commit commits everything at a time.
func (c *checkout) commit(at time.Time) {
	c.t.Helper()
	c.run("git", "add", "--all")
	date := at.Format(time.RFC3339)
	c.run("env", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date, "git", "-c", "user.name=A", "-c", "user.email=a@b.example", "commit", "--quiet", "--allow-empty", "-m", "x")
}

func (c *checkout) version() string { c.t.Helper(); return c.run("packaging/version") }

func newCheckout(t *testing.T) *checkout {
	t.Helper()
	c := &checkout{t, t.TempDir()}
	c.run("git", "init", "--quiet")
	c.write("packaging/version", text(t, "packaging/version"))
	c.write(".gitattributes", text(t, ".gitattributes"))
	c.write(".gitignore", text(t, ".gitignore"))
	return c
}

// day is a day of 2026 at noon.
func day(n int) time.Time { return time.Date(2026, 3, n, 12, 0, 0, 0, time.UTC) }

// TestVersionsRise: whatever is built later is the newer package, so that apt installs
// it over what is there; and the version names its commit.
func TestVersionsRise(t *testing.T) {
	c := newCheckout(t)
	var versions []string
	next := func(pattern string) {
		t.Helper()
		got := c.version()
		if !regexp.MustCompile(`^` + pattern + `$`).MatchString(got) {
			t.Errorf("the version is %s, want %s", got, pattern)
		}
		versions = append(versions, got)
	}
	c.write("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - unreleased\n")
	c.commit(day(1))
	next(`0\.1\.0~0git20260301120000\.` + c.run("git", "rev-parse", "HEAD")[:8])
	c.commit(day(2))
	next(`0\.1\.0~0git20260302120000\.[0-9a-f]{8}`)
	for hour, change := range []string{"one", "another"} { // twice the same commit, and not the same source
		c.write("new.go", change)
		at := day(2).Add(time.Duration(hour+1) * time.Hour)
		if err := os.Chtimes(filepath.Join(c.dir, "new.go"), at, at); err != nil {
			t.Fatal(err)
		}
		next(`0\.1\.0~0git20260302` + at.Format("15") + `0000\.[0-9a-f]{8}\.changed`)
	}
	c.write("CHANGELOG.md", "## [0.1.0] - 2026-03-03\n")
	c.commit(day(3))
	c.run("git", "tag", "v0.1.0")
	next(`0\.1\.0`)
	c.commit(day(4))
	next(`0\.1\.0\+git20260304120000\.[0-9a-f]{8}`)
	c.run("rm", "new.go") // what is gone has no time
	next(`0\.1\.0\+git20260304120000\.[0-9a-f]{8}\.changed`)
	c.write("CHANGELOG.md", "## [0.1.1] - unreleased\n\n## [0.1.0] - 2026-03-03\n")
	c.commit(day(5))
	next(`0\.1\.1~0git20260305120000\.[0-9a-f]{8}`)
	for i, newer := range versions[1:] {
		// With what stands behind them for a release of Debian.
		c.run("dpkg", "--compare-versions", versions[i]+"~deb12u1", "lt", newer+"~deb12u1")
		c.run("dpkg", "--compare-versions", versions[i]+"~deb13u1", "lt", newer+"~deb12u1")
	}
}

// TestVersionElsewhere: a clone without history and tags, and the tarball of a commit,
// have the version of the checkout; what is neither has none that could be wrong.
func TestVersionElsewhere(t *testing.T) {
	c := newCheckout(t)
	c.write("CHANGELOG.md", "## [0.1.0] - unreleased\n")
	c.commit(day(1))
	c.commit(day(2))
	at := func(dir string) *checkout { return &checkout{t, filepath.Join(c.dir, ".git", dir)} }
	unpack := func(dir, commit string) *checkout {
		t.Helper()
		c.run("sh", "-ec", "mkdir .git/"+dir+"; git archive "+commit+" | tar -C .git/"+dir+" -x")
		return at(dir)
	}
	c.run("git", "clone", "--quiet", "--depth=1", "--no-tags", "file://"+c.dir, ".git/clone")
	for _, other := range []*checkout{at("clone"), unpack("tarball", "HEAD")} {
		if got, want := other.version(), c.version(); got != want {
			t.Errorf("in %s it is %s, want %s", other.dir, got, want)
		}
		if got, want := other.run("packaging/version", "--epoch"), c.run("git", "log", "-1", "--format=%ct"); got != want {
			t.Errorf("in %s the epoch is %s, want %s", other.dir, got, want)
		}
	}
	// What is ignored is no source there either.
	at("tarball").write("build/callboxd", "")
	files, err := listFiles(at("tarball").dir)
	if want := ".gitattributes\x00.gitignore\x00CHANGELOG.md\x00packaging/version\x00"; err != nil || string(files) != want {
		t.Errorf("the files of the tarball are %q (%v), want %q", files, err, want)
	}
	c.run("git", "tag", "v0.1.0")
	if got := unpack("release", "v0.1.0").version(); got != "0.1.0" {
		t.Errorf("the tarball of the tag is %s", got)
	}
	plain := t.TempDir()
	c.run("cp", "-r", "packaging", "CHANGELOG.md", plain)
	cmd := exec.CommandContext(t.Context(), filepath.Join(plain, "packaging/version"))
	if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "set VERSION") {
		t.Errorf("a folder without history is %s (%v)", out, err)
	}
}
