package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// npmPackage is a package in npm's lock file.
type npmPackage struct {
	Path         string            `json:"-"` // node_modules/mqtt, from the folder of the lock file
	Version      string            `json:"version"`
	Integrity    string            `json:"integrity"`
	Dependencies map[string]string `json:"dependencies"`
}

// bundledPackages returns what is in the phone's page of others: the packages that
// package.json in dir calls bundled, which its build holds against what it is made of,
// and what they depend on. They are no dependencies of the npm package, for the files
// have them in themselves.
func bundledPackages(dir string) ([]npmPackage, error) {
	var manifest struct {
		Bundled []string `json:"bundled"`
	}
	var lock struct {
		Packages map[string]npmPackage `json:"packages"`
	}
	for name, into := range map[string]any{"package.json": &manifest, "package-lock.json": &lock} {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read which npm packages are in the phone's page: %w", err)
		}
	}
	found := map[string]npmPackage{}
	var add func(from, name string) error
	add = func(from, name string) error {
		if strings.HasPrefix(name, "@types/") {
			return nil // nothing of them is in a program
		}
		path, err := installedAt(lock.Packages, from, name)
		if _, known := found[path]; known || err != nil {
			return err
		}
		p := lock.Packages[path]
		p.Path = path
		found[path] = p
		for next := range p.Dependencies {
			if err := add(path, next); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range manifest.Bundled {
		if err := add("", name); err != nil {
			return nil, err
		}
	}
	var out []npmPackage
	for _, p := range found {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b npmPackage) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// installedAt is where the package at a path finds another one: in itself, or in those
// above it (the search of Node.js, Modules: node_modules folders).
func installedAt(packages map[string]npmPackage, from, name string) (string, error) {
	for at := from; ; at = filepath.Dir(at) {
		path := filepath.Join(at, "node_modules", name)
		if _, ok := packages[path]; ok {
			return path, nil
		}
		if at == "" || at == "." {
			return "", fmt.Errorf("cannot find the npm package %s, which %q brings, in package-lock.json: npm install writes it", name, from)
		}
	}
}

// npmParts returns the parts that the bundled packages in dir are.
func npmParts(dir string) ([]part, error) {
	packages, err := bundledPackages(dir)
	if err != nil {
		return nil, err
	}
	var parts []part
	for _, p := range packages {
		texts, err := licencesIn(filepath.Join(dir, p.Path), "")
		if err != nil {
			return nil, err
		}
		name := p.Path[strings.LastIndex(p.Path, "node_modules/")+len("node_modules/"):]
		parts = append(parts, part{Kind: "npm", Name: name, Version: p.Version, Hash: p.Integrity, Licences: texts})
	}
	sortParts(parts)
	return parts, nil
}

// npmLicences lists the files of the bundled packages' licences, from root.
func npmLicences(root string) ([]string, error) {
	dir := filepath.Join(root, phoneDir)
	packages, err := bundledPackages(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, p := range packages {
		texts, err := licencesIn(filepath.Join(dir, p.Path), "")
		if err != nil {
			return nil, err
		}
		for _, l := range texts {
			files = append(files, filepath.Join(phoneDir, p.Path, l.File))
		}
	}
	return files, nil
}
