package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const mitText = `The MIT License

Copyright (c) 2018 Filip Skokan

Permission is hereby granted, free of charge, to any person obtaining a copy of this software.
The above copyright notice and this permission notice shall be included.
`

const apacheText = `                                 Apache License
                           Version 2.0, January 2004
   Copyright [yyyy] [name of copyright owner]
`

// TestLicences: which one a text is, and who owns what stands under it.
func TestLicences(t *testing.T) {
	for name, tt := range map[string]struct {
		file, text string
		want       []string
		holders    []string
	}{
		"MIT":           {"LICENSE", mitText, []string{mit}, []string{"2018 Filip Skokan"}},
		"MIT-0":         {"LICENSE", "Copyright 2025 David Reid\n\nPermission is hereby granted, free of charge, to", []string{mit0}, []string{"2025 David Reid"}},
		"Apache":        {"LICENSE", apacheText, []string{apache2}, nil},
		"both":          {"LICENSE", mitText + "Licensed under the Apache License, Version 2.0", []string{mit, apache2}, []string{"2018 Filip Skokan"}},
		"three clauses": {"LICENSE", "Copyright © 2012 The Go Authors. All rights reserved.\nRedistribution and use in source\nand binary forms, …\nNeither the name", []string{bsd3}, []string{"2012 The Go Authors."}},
		"two clauses":   {"LICENSE", "Copyright (c) 2013 The Authors\nRedistribution and use in source and binary forms", []string{bsd2}, []string{"2013 The Authors"}},
		"ISC":           {"LICENSE.txt", "Permission to use, copy, modify, and distribute this software is hereby granted, provided that the above\ncopyright notice", []string{isc}, nil},
		"0BSD":          {"LICENSE.txt", "Permission to use, copy, modify, and/or distribute this software for any purpose is hereby granted.", []string{zeroBSD}, nil},
		"a notice":      {"NOTICE", "CoreOS Project\nCopyright 2018 CoreOS, Inc", nil, []string{"2018 CoreOS, Inc"}},
		"public domain": {"LICENSE", "This is free and unencumbered software released into the public domain.", []string{unlicense}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := namesOf(licence{tt.file, tt.text})
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("it is %v (%v), want %v", got, err, tt.want)
			}
			if got := holders(tt.text); !slices.Equal(got, tt.holders) {
				t.Errorf("it belongs to %q, want %q", got, tt.holders)
			}
		})
	}
	for _, text := range []string{"", "All rights reserved.", "Mozilla Public License Version 2.0", "Eclipse Public License\nRedistribution and use in source and binary forms", "GNU General Public License"} {
		if got, err := namesOf(licence{"LICENSE", text}); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

// TestIsLicence: which files of a module are read.
func TestIsLicence(t *testing.T) {
	for name, want := range map[string]bool{
		"LICENSE": true, "LICENSE.md": true, "License.txt": true, "LICENCE": true, "COPYING": true, "NOTICE": true, "LICENSE-MIT": true,
		"LICENSES": false, "README.md": false, "PATENTS": false,
	} {
		if got := isLicence(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestGoParts looks at this very test: it was linked from modules.
func TestGoParts(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parts, err := goParts([]string{program, program})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]part{}
	for _, p := range parts {
		if _, twice := seen[p.Name]; twice {
			t.Errorf("%s is there twice", p.Name)
		}
		seen[p.Name] = p
	}
	if cobra := seen["github.com/spf13/cobra"]; !strings.HasPrefix(cobra.Version, "v1.") || !strings.HasPrefix(cobra.Hash, "h1:") || len(cobra.Licences) != 1 {
		t.Errorf("cobra is %+v", cobra)
	}
	if std := seen["std"]; !strings.HasPrefix(std.Version, "1.") || len(std.Licences) == 0 {
		t.Errorf("Go's own library is %+v", std)
	}
	first, err := copyright(parts)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" golang/github.com/spf13/cobra@", "\nLicense: BSD-3-clause\n", "/usr/share/common-licenses/Apache-2.0"} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is not in the copyright file", want)
		}
	}
	if strings.Contains(first, "\n\n\n") || strings.Contains(first, "APPENDIX") {
		t.Error("the copyright file has an empty paragraph, or a text that Debian has")
	}
}

// TestNoLicence: a part without a licence is not packed.
func TestNoLicence(t *testing.T) {
	dir := t.TempDir()
	if _, err := licencesIn(dir, ""); err == nil || !strings.Contains(err.Error(), "may not contain it") {
		t.Errorf("an empty folder: %v", err)
	}
	if err := output(filepath.Join(dir, "miniaudio.h"), []byte("miniaudio - v0.11.23 - 2025-09-11\nthe licence has moved")); err != nil {
		t.Fatal(err)
	}
	if _, err := embeddedIn("github.com/gen2brain/malgo", dir); err == nil || !strings.Contains(err.Error(), "look where they are now") {
		t.Errorf("an embedded source: %v", err)
	}
}

// TestSBOM: what is told of each kind of part, and the same bytes each time.
func TestSBOM(t *testing.T) {
	parts := []part{
		{"golang", "golang.org/x/net", "v0.62.0", "h1:abc=", []licence{{"LICENSE", mitText}}},
		{"npm", "@scope/part", "6.2.18", "sha512-AQI=", []licence{{"LICENSE.md", mitText}}},
	}
	libraries := []library{{"libturbojpeg0", "1:2.1.5-2", "armhf", false}, {"libopenh264-7", "2.3.1", "armhf", true}, {"libpulse0", "", "armhf", true}}
	at := time.Date(2026, 11, 27, 0, 0, 0, 0, time.UTC)
	first, err := sbom("callbox", "1.0~deb12u1", "armhf", at, parts, libraries)
	if err != nil {
		t.Fatal(err)
	}
	second, err := sbom("callbox", "1.0~deb12u1", "armhf", at, parts, libraries)
	if err != nil || string(first) != string(second) {
		t.Errorf("two runs differ: %v", err)
	}
	var b bom
	if err := json.Unmarshal(first, &b); err != nil {
		t.Fatal(err)
	}
	var refs []string
	for _, c := range b.Components {
		refs = append(refs, c.PURL)
	}
	want := []string{
		"pkg:golang/golang.org/x/net@v0.62.0", "pkg:npm/%40scope/part@6.2.18", "pkg:deb/debian/libturbojpeg0@1%3A2.1.5-2?arch=armhf",
		"pkg:deb/debian/libopenh264-7@2.3.1?arch=armhf", "pkg:deb/debian/libpulse0?arch=armhf",
	}
	if !slices.Equal(refs, want) || !slices.Equal(b.Dependencies[0].Uses, want) {
		t.Errorf("it lists %v, and uses %v", refs, b.Dependencies[0].Uses)
	}
	if b.Components[1].Hashes[0].Content != "0102" || b.Components[0].Licences[0].License.ID != mit || b.Metadata.Timestamp != "2026-11-27T00:00:00Z" || !strings.HasPrefix(b.Serial, "urn:uuid:") {
		t.Errorf("it says %s", first)
	}
	if b.Metadata.Component.PURL != "pkg:deb/callbox/callbox@1.0~deb12u1?arch=armhf" || b.Components[2].Scope != "required" || b.Components[3].Scope != "optional" {
		t.Errorf("it says %s", first)
	}
	third, err := sbom("callbox", "1.1", "armhf", at, parts, libraries)
	if err != nil || strings.Contains(string(third), b.Serial) {
		t.Errorf("another package has the same number: %v", err)
	}
}

// TestLoadedBy: what debian/control names, and no linker has found, is in the bill of
// materials of the package that uses it.
func TestLoadedBy(t *testing.T) {
	control := text(t, "packaging/debian/control")
	for name, want := range map[string][][]string{
		"callbox":       {{"libasound2t64", "libasound2"}, {"libopenh264-8", "libopenh264-7"}, {"libpulse0"}},
		"callbox-hwenc": {{"libopenh264-8", "libopenh264-7"}},
		"another":       nil,
	} {
		if got := loadedBy(control, name); !reflect.DeepEqual(got, want) {
			t.Errorf("%s loads %v, want %v", name, got, want)
		}
	}
	version := func(name, _ string) string { return map[string]string{"libopenh264-7": "2.3.1"}[name] }
	for want, others := range map[string][]string{
		"[{libopenh264-7 2.3.1 armhf true}]":                     {"libopenh264-8", "libopenh264-7"},
		"[{libasound2t64  armhf true} {libasound2  armhf true}]": {"libasound2t64", "libasound2"},
	} {
		if got := fmt.Sprint(pick(others, "armhf", version)); got != want {
			t.Errorf("of %v it lists %s, want %s", others, got, want)
		}
	}
}

// TestEachPackageHasItsSBOM: debian/rules writes one for each binary package.
func TestEachPackageHasItsSBOM(t *testing.T) {
	for _, m := range regexp.MustCompile(`(?m)^Package: (.*)$`).FindAllStringSubmatch(text(t, "packaging/debian/control"), -1) {
		if !regexp.MustCompile(`debian sbom debian/` + m[1] + `/usr/share/callbox/\S+\.cdx\.json ` + m[1] + ` `).MatchString(text(t, "packaging/debian/rules")) {
			t.Errorf("debian/rules writes none for %s", m[1])
		}
	}
}

// TestMiniaudio: the C in the module of the sound device is a part of its own, with its
// version and its licence.
func TestMiniaudio(t *testing.T) {
	const module = "github.com/gen2brain/malgo"
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		t.Fatal(err)
	}
	p, err := embeddedIn(module, strings.TrimSpace(string(dir)))
	if err != nil {
		t.Fatal(err)
	}
	names, err := p.names()
	if err != nil || !slices.Equal(names, []string{"MIT-0"}) || p.Name != "mackron/miniaudio" || strings.Count(p.Version, ".") != 2 {
		t.Errorf("%s %s, licences %v, %v", p.Name, p.Version, names, err)
	}
}

// TestABI: the package that has the plugin depends on a callbox that loads it, by the
// number that callbox looks at.
func TestABI(t *testing.T) {
	m := regexp.MustCompile(`(?m)^#define CALLBOX_AVCODEC_ABI (\d+)$`).FindStringSubmatch(text(t, "media/codec/avcodec/plugin.h"))
	if m == nil {
		t.Fatal("plugin.h has no number")
	}
	_, packages, _ := strings.Cut(text(t, "packaging/debian/control"), "\nPackage: callbox\n")
	callbox, hwenc, found := strings.Cut(packages, "\nPackage: callbox-hwenc\n")
	name := "callbox-avcodec-abi-" + m[1]
	if !found || !strings.Contains(callbox, "\nProvides: "+name+"\n") || !strings.Contains(hwenc, " "+name+",\n") {
		t.Errorf("debian/control does not say that callbox provides %s and callbox-hwenc depends on it", name)
	}
}
