package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"callbox/hal/haltest"
)

// TestNpmParts: a bundled package and what it depends on, where it finds it; tools and
// types are none.
func TestNpmParts(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := output(filepath.Join(dir, name), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("package.json", `{"bundled":["mqtt"]}`)
	write("package-lock.json", `{"packages":{"":{},
		"node_modules/mqtt":{"version":"5.0.0","integrity":"sha512-AQI=","dev":true,"dependencies":{"stream":"^3","@types/ws":"1"}},
		"node_modules/mqtt/node_modules/stream":{"version":"3.0.0","dev":true,"dependencies":{"@scope/bytes":"1","mqtt":"5"}},
		"node_modules/stream":{"version":"4.0.0","dev":true},
		"node_modules/@scope/bytes":{"version":"1.0.0","dev":true},
		"node_modules/@types/ws":{"version":"1.0.0","dev":true},
		"node_modules/tool":{"version":"1.0.0","dev":true}}}`)
	for _, path := range []string{"mqtt", "mqtt/node_modules/stream", "@scope/bytes"} {
		write("node_modules/"+path+"/LICENSE", mitText)
	}
	parts, err := npmParts(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range parts {
		got = append(got, p.Name+" "+p.Version)
	}
	if want := []string{"@scope/bytes 1.0.0", "mqtt 5.0.0", "stream 3.0.0"}; !slices.Equal(got, want) {
		t.Errorf("bundled are %v, want %v", got, want)
	}

	write("package.json", `{"bundled":["jose"]}`)
	if _, err := npmParts(dir); err == nil || !strings.Contains(err.Error(), "jose") || !strings.Contains(err.Error(), "npm install") {
		t.Errorf("a package that is not there: %v", err)
	}
}

// TestBundled: what is really in the page has its licences in the copyright file.
func TestBundled(t *testing.T) {
	dir := filepath.Join("../..", phoneDir)
	if found, _ := filepath.Glob(filepath.Join(dir, "node_modules/*")); len(found) == 0 {
		haltest.Missing(t, "what npm installs into "+phoneDir)
	}
	parts, err := npmParts(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, licences := range map[string][]string{"mqtt": {mit}, "ieee754": {bsd3}, "split2": {isc}, "tslib": {zeroBSD}, "@jspm/core": {mit, apache2}} {
		i := slices.IndexFunc(parts, func(p part) bool { return p.Name == name })
		if i < 0 {
			t.Errorf("%s is not among the parts", name)
			continue
		}
		if names, err := parts[i].names(); err != nil || !slices.Equal(names, licences) {
			t.Errorf("%s stands under %v, %v, want %v", name, names, err, licences)
		}
	}
	text, err := copyright(parts)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" npm/mqtt@", "MQTT.js contributors", "Neither the name"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the copyright file", want)
		}
	}
	if strings.Contains(text, "TERMS AND CONDITIONS FOR USE") || !strings.Contains(text, " ### assert\n") {
		t.Error("a text that Debian has is in the copyright file, or what stands behind it is not")
	}
}
