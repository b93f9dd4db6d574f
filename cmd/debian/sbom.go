package main

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

// bom is the part of CycloneDX 1.5 that is written.
type bom struct {
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Serial       string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp string    `json:"timestamp"`
	Component component `json:"component"`
}

type component struct {
	Type     string          `json:"type"`
	Ref      string          `json:"bom-ref"`
	Name     string          `json:"name"`
	Version  string          `json:"version,omitempty"`
	Scope    string          `json:"scope,omitempty"`
	Licences []licenceChoice `json:"licenses,omitempty"`
	Hashes   []hash          `json:"hashes,omitempty"`
	PURL     string          `json:"purl"`
	Props    []property      `json:"properties,omitempty"`
}

type licenceChoice struct {
	License struct {
		ID string `json:"id"`
	} `json:"license"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref  string   `json:"ref"`
	Uses []string `json:"dependsOn,omitempty"`
}

func newSBOM() *cobra.Command {
	return &cobra.Command{
		Use:   "sbom FILE PACKAGE VERSION ARCHITECTURE SECONDS [PROGRAM...]",
		Short: "write what is in the programs of a package, and which libraries it uses, as CycloneDX",
		Args:  cobra.MinimumNArgs(5),
		RunE: func(_ *cobra.Command, args []string) error {
			name, version, architecture := args[1], args[2], args[3]
			at, err := epoch(args[4])
			if err != nil {
				return err
			}
			var parts []part
			if programs := args[5:]; len(programs) > 0 {
				if parts, err = allParts(programs); err != nil {
					return err
				}
			}
			libraries, err := linked("debian/"+name+".substvars", architecture)
			if err != nil {
				return err
			}
			control, err := os.ReadFile("debian/control")
			if err != nil {
				return fmt.Errorf("cannot read which libraries are loaded: %w", err)
			}
			for _, others := range loadedBy(string(control), name) {
				libraries = append(libraries, pick(others, architecture, installed)...)
			}
			text, err := sbom(name, version, architecture, at, parts, libraries)
			if err != nil {
				return err
			}
			return output(args[0], text)
		},
	}
}

// library is a Debian package that a package uses.
type library struct {
	Name, Version, Architecture string
	// Loaded: by its name, while the program runs; it may be missing. Version is "" when
	// it was when the package was built.
	Loaded bool
}

// loadedBy are the libraries that stand by their names in the fields of a package in
// debian/control, for nothing is linked to them: each with its alternatives.
func loadedBy(control, name string) [][]string {
	_, paragraph, _ := strings.Cut(control, "\nPackage: "+name+"\n")
	paragraph, _, _ = strings.Cut(paragraph, "\n\n")
	var out [][]string
	for _, m := range regexp.MustCompile(`(?m)^(?:Depends|Recommends|Suggests):((?:.*\n?)(?: .*\n?)*)`).FindAllStringSubmatch(paragraph+"\n", -1) {
		for one := range strings.SplitSeq(m[1], ",") {
			if others := strings.FieldsFunc(one, func(r rune) bool { return strings.ContainsRune("| \n", r) }); len(others) > 0 && strings.HasPrefix(others[0], "lib") {
				out = append(out, others)
			}
		}
	}
	return out
}

// pick returns the alternatives that version knows, or all of them when it knows none: one
// of them is there on the device.
func pick(others []string, architecture string, version func(name, architecture string) string) []library {
	var known, all []library
	for _, name := range others {
		l := library{Name: name, Version: version(name, architecture), Architecture: architecture, Loaded: true}
		if all = append(all, l); l.Version != "" {
			known = append(known, l)
		}
	}
	if len(known) > 0 {
		return known
	}
	return all
}

// version asks dpkg for the version of a package.
func version(name, architecture string) (string, error) {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Version}", name+":"+architecture).Output() //nolint:noctx,gosec // ends by itself; a name of our own or of dpkg's
	return string(out), err
}

// installed is the version of a package that is here, "" for none.
func installed(name, architecture string) string {
	v, err := version(name, architecture)
	if err != nil {
		return ""
	}
	return v
}

// linked are the libraries that dh_shlibdeps found, with the versions that the package
// was built with.
func linked(substvars, architecture string) ([]library, error) {
	data, err := os.ReadFile(substvars)
	if err != nil {
		return nil, fmt.Errorf("cannot read which libraries are used: %w", err)
	}
	var out []library
	for line := range strings.Lines(string(data)) {
		list, ok := strings.CutPrefix(strings.TrimSpace(line), "shlibs:Depends=")
		if !ok {
			continue
		}
		for one := range strings.SplitSeq(list, ", ") {
			name, _, _ := strings.Cut(one, " ")
			v, err := version(name, architecture)
			if err != nil {
				return nil, fmt.Errorf("cannot ask dpkg for the version of %s: %w", name, err)
			}
			out = append(out, library{Name: name, Version: v, Architecture: architecture})
		}
	}
	return out, nil
}

// sbom writes it. The same input gives the same bytes: the serial number is made of
// the contents.
func sbom(name, version, architecture string, at time.Time, parts []part, libraries []library) ([]byte, error) {
	self := component{Type: "application", Name: name, Version: version, PURL: "pkg:deb/callbox/" + name + "@" + purlVersion(version) + "?arch=" + architecture}
	self.Ref = self.PURL
	self.Licences = choices([]string{apache2})
	b := bom{Format: "CycloneDX", SpecVersion: "1.5", Version: 1, Metadata: metadata{at.UTC().Format(time.RFC3339), self}}
	uses := dependency{Ref: self.Ref}
	for _, p := range parts {
		names, err := p.names()
		if err != nil {
			return nil, err
		}
		c := component{Type: "library", Name: p.Name, Version: p.Version, Licences: choices(names)}
		c.PURL = "pkg:" + p.Kind + "/" + strings.Replace(p.Name, "@", "%40", 1) + "@" + purlVersion(p.Version)
		if sha512, ok := strings.CutPrefix(p.Hash, "sha512-"); ok {
			raw, err := base64.StdEncoding.DecodeString(sha512)
			if err != nil {
				return nil, fmt.Errorf("cannot read the hash of %s: %w", p.Name, err)
			}
			c.Hashes = []hash{{"SHA-512", hex.EncodeToString(raw)}}
		} else if p.Hash != "" {
			c.Props = []property{{"golang:sum", p.Hash}} // of the module's tree, so no hash of a file
		}
		b.add(&uses, c)
	}
	for _, l := range libraries {
		c := component{Type: "library", Name: l.Name, Version: l.Version, Scope: "required", PURL: "pkg:deb/debian/" + l.Name}
		if l.Loaded {
			c.Scope = "optional"
		}
		if l.Version != "" {
			c.PURL += "@" + purlVersion(l.Version)
		}
		c.PURL += "?arch=" + l.Architecture
		b.add(&uses, c)
	}
	b.Dependencies = append([]dependency{uses}, b.Dependencies...)
	unnumbered, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("cannot write the bill of materials: %w", err)
	}
	sum := sha256.Sum256(unnumbered)
	b.Serial = "urn:uuid:" + uuid.NewSHA1(uuid.NameSpaceOID, sum[:]).String()
	text, err := json.MarshalIndent(b, "", "  ")
	return append(text, '\n'), err
}

func (b *bom) add(uses *dependency, c component) {
	c.Ref = c.PURL
	b.Components = append(b.Components, c)
	b.Dependencies = append(b.Dependencies, dependency{Ref: c.Ref})
	uses.Uses = append(uses.Uses, c.Ref)
}

func choices(names []string) []licenceChoice {
	out := make([]licenceChoice, len(names))
	for i, name := range names {
		out[i].License.ID = name
	}
	return out
}

// purlVersion escapes what a package URL cannot have in a version.
func purlVersion(v string) string {
	return strings.NewReplacer("%", "%25", "+", "%2B", ":", "%3A", "~", "~").Replace(v)
}
