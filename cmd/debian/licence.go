package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// The licences that are understood, by their SPDX names.
const (
	apache2   = "Apache-2.0"
	mit       = "MIT"
	mit0      = "MIT-0"
	bsd2      = "BSD-2-Clause"
	bsd3      = "BSD-3-Clause"
	isc       = "ISC"
	zeroBSD   = "0BSD"
	unlicense = "Unlicense"
)

// dep5 are the names of Debian's machine-readable copyright files, where they differ.
var dep5 = map[string]string{mit: "Expat", bsd2: "BSD-2-clause", bsd3: "BSD-3-clause"}

// chosen are the texts of modules that leave a choice: the file with the one that is
// taken.
var chosen = map[string]string{
	"github.com/eclipse/paho.golang": "edl-v10", // the Eclipse Distribution License 1.0 is the BSD licence; the other choice is EPL-2.0
}

// namesOf recognises a licence by its words; none means that it is a notice. One that
// is not known is an error: somebody must look at it.
func namesOf(l licence) (names []string, err error) {
	text := strings.Join(strings.Fields(l.Text), " ")
	has := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	if strings.HasPrefix(strings.ToUpper(l.File), "NOTICE") {
		return nil, nil
	}
	if has("Permission is hereby granted, free of charge") {
		if has("The above copyright notice and this permission notice") {
			names = append(names, mit)
		} else {
			names = append(names, mit0)
		}
	}
	if has("Redistribution and use in source and binary forms") {
		if has("Neither the name") {
			names = append(names, bsd3)
		} else {
			names = append(names, bsd2)
		}
	}
	if has("Permission to use, copy, modify, and/or distribute this software", "Permission to use, copy, modify, and distribute this software") {
		if has("provided that the above copyright notice") {
			names = append(names, isc)
		} else {
			names = append(names, zeroBSD)
		}
	}
	if has("This is free and unencumbered software released into the public domain") {
		names = append(names, unlicense)
	}
	if has("Apache License Version 2.0", "Licensed under the Apache License, Version 2.0") {
		names = append(names, apache2)
	}
	if len(names) == 0 || has("Public License") {
		return nil, fmt.Errorf("cannot tell which licence %s is: look at it, and name it in cmd/debian/licence.go if the package may contain it", l.File)
	}
	return names, nil
}

// names are the licences of a part, in the order of its files.
func (p part) names() ([]string, error) {
	var names []string
	for _, l := range p.Licences {
		more, err := namesOf(l)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", p.Name, p.Version, err)
		}
		for _, name := range more {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("cannot find a licence of %s %s: it has a notice only", p.Name, p.Version)
	}
	return names, nil
}

// copyrightLine is a line that says who owns something; the templates of the Apache
// licence are none.
var copyrightLine = regexp.MustCompile(`(?im)^[\s*#/]*((?:copyright|©|\(c\)).*(?:[0-9]{4}|\bauthors?\b|©|\(c\)).*)$`)

// holders are the owners that a text names.
func holders(text string) []string {
	var out []string
	for _, m := range copyrightLine.FindAllStringSubmatch(text, -1) {
		line := strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(m[1]), "All rights reserved."))
		if strings.Contains(line, "yyyy") || strings.Contains(strings.ToLower(line), "copyright owner") || strings.Contains(strings.ToLower(line), "copyright notice") {
			continue
		}
		for _, word := range []string{"Copyright", "(c)", "(C)", "©"} {
			line = strings.TrimSpace(strings.TrimPrefix(line, word))
		}
		if line != "" {
			out = append(out, line)
		}
	}
	return out
}
