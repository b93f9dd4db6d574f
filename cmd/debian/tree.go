package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newTree() *cobra.Command {
	var r release
	cmd := &cobra.Command{
		Use:   "tree DIRECTORY",
		Short: "copy the source into DIRECTORY, as dpkg-buildpackage wants it",
		Args:  cobra.ExactArgs(1),
		RunE:  func(_ *cobra.Command, args []string) error { return tree(".", args[0], r) },
	}
	cmd.Flags().StringVar(&r.version, "version", "", "the version of callbox")
	cmd.Flags().StringVar(&r.suffix, "suffix", "", "what stands behind it for a release of Debian, for example ~deb12u1")
	cmd.Flags().StringVar(&r.codename, "codename", "", "the release of Debian, for example bookworm")
	cmd.Flags().StringVar(&r.seconds, "seconds", "", "the date of the package, in seconds since 1970")
	for _, name := range []string{"version", "codename", "seconds"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a flag that is not there
		}
	}
	return cmd
}

// release is which package is built.
type release struct{ version, suffix, codename, seconds string }

// debianVersion is what may stand before the suffix.
var debianVersion = regexp.MustCompile(`^[0-9][A-Za-z0-9.+~]*$`)

// tree copies what git knows or does not ignore, the built page of the phone and the
// licences of what is in it, and puts packaging/debian where dpkg looks for it.
func tree(root, to string, r release) error {
	if !debianVersion.MatchString(r.version) {
		return fmt.Errorf("cannot make a package of the version %q: Debian's begin with a number; packaging/version prints one", r.version)
	}
	at, err := epoch(r.seconds)
	if err != nil {
		return err
	}
	files, err := sourceFiles(root)
	if err != nil {
		return err
	}
	for _, file := range files {
		dest := file
		if rest, ok := strings.CutPrefix(file, "packaging/debian/"); ok {
			dest = "debian/" + rest
		}
		if err := copyFile(filepath.Join(root, file), filepath.Join(to, dest)); err != nil {
			return err
		}
	}
	log, err := os.ReadFile(filepath.Join(root, "CHANGELOG.md"))
	if err != nil {
		return fmt.Errorf("cannot read what has changed: %w", err)
	}
	control, err := os.ReadFile(filepath.Join(root, "packaging/debian/control"))
	if err != nil {
		return fmt.Errorf("cannot read who maintains the package: %w", err)
	}
	text, err := changelog(string(log), maintainer(string(control)), r, at)
	if err != nil {
		return err
	}
	return output(filepath.Join(to, "debian/changelog"), []byte(text))
}

// listFiles lists what git knows or does not ignore, each with a zero byte behind it. In
// what is no checkout, an unpacked tarball, git knows nothing yet.
func listFiles(root string) ([]byte, error) {
	git := func(args ...string) *exec.Cmd {
		cmd := exec.Command("git", args...) //nolint:noctx // ends by itself
		cmd.Dir = root
		return cmd
	}
	var where []string
	if _, err := os.Lstat(filepath.Join(root, ".git")); errors.Is(err, fs.ErrNotExist) {
		empty, err := os.MkdirTemp("", "callbox-tree-")
		if err != nil {
			return nil, fmt.Errorf("cannot list the source: %w", err)
		}
		defer func() { _ = os.RemoveAll(empty) }() // what is left is empty
		where = []string{"--git-dir=" + empty, "--work-tree=."}
		if out, err := git("init", "--quiet", "--bare", empty).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("cannot list the source: %w: %s", err, out)
		}
	}
	out, err := git(append(where, "ls-files", "-z", "--cached", "--others", "--exclude-standard")...).Output()
	if err != nil {
		return nil, fmt.Errorf("cannot list the source: %w", err)
	}
	return out, nil
}

// sourceFiles lists the files of the tree, relative to root.
func sourceFiles(root string) ([]string, error) {
	out, err := listFiles(root)
	if err != nil {
		return nil, err
	}
	var files []string
	for name := range bytes.SplitSeq(bytes.TrimSuffix(out, []byte{0}), []byte{0}) {
		file := string(name)
		if _, err := os.Lstat(filepath.Join(root, file)); errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not yet committed
		}
		files = append(files, file)
	}
	licences, err := npmLicences(root)
	if err != nil {
		return nil, err
	}
	files = append(files, licences...)
	page := filepath.Join(phoneDir, "dist")
	entries, err := os.ReadDir(filepath.Join(root, page))
	if err != nil || len(entries) < 2 { // .gitignore is always there
		return nil, fmt.Errorf("cannot find the built page in %s (%w); make phone builds it", page, err)
	}
	err = filepath.WalkDir(filepath.Join(root, page), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != ".gitignore" {
			rel, errRel := filepath.Rel(root, path)
			files, err = append(files, rel), errRel
		}
		return err
	})
	return files, err
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return fmt.Errorf("cannot copy the source: %w", err)
	}
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(to), 0o755) //nolint:gosec // of a package, for everybody
	}
	if err == nil {
		err = os.WriteFile(to, data, 0o644|info.Mode()&0o111) //nolint:gosec // as above
	}
	if err != nil {
		return fmt.Errorf("cannot copy the source: %w", err)
	}
	return nil
}

func epoch(seconds string) (time.Time, error) {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n <= 0 {
		return time.Time{}, fmt.Errorf("cannot use the time %q: it is the number of seconds since 1970, as git log -1 --format=%%ct prints it", seconds)
	}
	return time.Unix(n, 0).UTC(), nil
}
