package main

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// part is something of others that is in our programs.
type part struct {
	Kind    string // golang, npm, github: the type of its package URL
	Name    string // golang.org/x/net, mqtt
	Version string // v0.62.0, 5.16.0
	Hash    string // as go.sum and package-lock.json have it; "" for none
	// Licences are the texts that came with it.
	Licences []licence
}

// licence is one text.
type licence struct {
	File string
	Text string
}

// goParts returns what the programs were linked from: each module once, and Go's own
// library. The texts are those in the module cache and in the Go tree.
func goParts(programs []string) ([]part, error) {
	modcache, err := goEnv("GOMODCACHE")
	if err != nil {
		return nil, err
	}
	goroot, err := goEnv("GOROOT")
	if err != nil {
		return nil, err
	}
	found := map[string]part{}
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return nil, fmt.Errorf("cannot read what %s is made of: %w", program, err)
		}
		found["std"] = part{Kind: "golang", Name: "std", Version: strings.TrimPrefix(info.GoVersion, "go")}
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			found[m.Path] = part{Kind: "golang", Name: m.Path, Version: m.Version, Hash: m.Sum}
		}
	}
	var parts []part
	for name, p := range found {
		dir := goroot
		if name != "std" {
			dir = filepath.Join(modcache, escapePath(p.Name)+"@"+escapePath(p.Version))
		}
		if p.Licences, err = licencesIn(dir, chosen[name]); err != nil {
			return nil, err
		}
		parts = append(parts, p)
		if p, err = embeddedIn(name, dir); err != nil {
			return nil, err
		}
		if p.Name != "" {
			parts = append(parts, p)
		}
	}
	sortParts(parts)
	return parts, nil
}

func goEnv(name string) (string, error) {
	out, err := exec.Command("go", "env", name).Output() //nolint:noctx // ends by itself
	if err != nil {
		return "", fmt.Errorf("cannot ask Go for %s: %w", name, err)
	}
	return strings.TrimSpace(string(out)), nil
}

// escapePath writes upper case letters as the module cache does.
func escapePath(path string) string {
	var b strings.Builder
	for _, r := range path {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// source is C of third parties that a module brings along, with a version and a licence of
// its own.
type source struct {
	name, file string
	version    *regexp.Regexp // in the file
	licence    string         // the line after which its text begins
}

var embedded = map[string]source{
	"github.com/gen2brain/malgo": {
		"mackron/miniaudio", "miniaudio.h", regexp.MustCompile(`(?m)^miniaudio - v([0-9.]+) `),
		"ALTERNATIVE 2 - MIT No Attribution\n" + strings.Repeat("=", 79) + "\n",
	},
}

// embeddedIn returns the source that a module in dir brings along; none: the zero part.
func embeddedIn(module, dir string) (part, error) {
	e, ok := embedded[module]
	if !ok {
		return part{}, nil
	}
	data, err := os.ReadFile(filepath.Join(dir, e.file))
	if err != nil {
		return part{}, fmt.Errorf("cannot read the licence of %s in %s: %w", e.file, module, err)
	}
	version := e.version.FindStringSubmatch(string(data))
	_, text, found := strings.Cut(string(data), e.licence)
	if !found || version == nil {
		return part{}, fmt.Errorf("cannot find the version and the licence of %s in %s: it has changed; look where they are now", e.file, module)
	}
	text, _, _ = strings.Cut(text, "*/")
	return part{Kind: "github", Name: e.name, Version: version[1], Licences: []licence{{e.file, text}}}, nil
}

func sortParts(parts []part) {
	slices.SortFunc(parts, func(a, b part) int {
		return strings.Compare(a.Kind+" "+a.Name+" "+a.Version, b.Kind+" "+b.Name+" "+b.Version)
	})
}

// isLicence reports whether a file of a module says under which terms it stands.
func isLicence(name string) bool {
	name = strings.ToUpper(name)
	for _, begin := range []string{"LICENSE", "LICENCE", "COPYING", "NOTICE"} {
		if rest, ok := strings.CutPrefix(name, begin); ok && !strings.HasPrefix(rest, "S") {
			return true
		}
	}
	return false
}

// licencesIn reads the texts in a folder, or only the named one. None at all is an
// error: what may not be passed on must not be in the package.
func licencesIn(dir, only string) ([]licence, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot look for licences: %w; go mod download, or npm ci, fetches them", err)
	}
	var out []licence
	for _, e := range entries {
		if e.IsDir() || only == "" && !isLicence(e.Name()) || only != "" && e.Name() != only {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("cannot read a licence: %w", err)
		}
		out = append(out, licence{e.Name(), string(text)})
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("cannot find a licence in %s: the package may not contain it", dir)
	}
	return out, nil
}
