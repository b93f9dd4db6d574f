package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// maxFile is far above any real file; it bounds what a wrong path can cost.
const maxFile = 1 << 20

// Load reads the file at path, or DefaultFile for "", and the environment. A
// missing DefaultFile gives the defaults; a missing file that was named is an
// error. What is wrong with the contents comes as Problems, all of it.
func Load(path string) (*Config, error) {
	c, _, err := open(path)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// open is Load; the walker knows the place of each value. Beside Problems there is all
// that has none.
func open(path string) (*Config, *walker, error) {
	named := path != ""
	if !named {
		path = DefaultFile
	}
	data, err := readFile(path)
	if errors.Is(err, fs.ErrNotExist) && !named {
		data, err = nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read the configuration: %w", err)
	}
	return read(path, data, os.Environ())
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d bytes; is it really a configuration file?", path, maxFile)
	}
	return data, err
}

// load is Load without the outside: the same input gives the same result.
func load(file string, data []byte, environ []string) (*Config, error) {
	c, _, err := read(file, data, environ)
	if err != nil {
		return nil, err
	}
	return c, nil
}

// read is load; the walker knows the place of each value. Beside Problems there is all
// that has none.
func read(file string, data []byte, environ []string) (*Config, *walker, error) {
	root := schema()
	w := &walker{file: file, places: map[string]place{}, bad: map[string]bool{}}
	settings := w.document(data, root)

	v := viper.New()
	if err := v.MergeConfigMap(settings); err != nil {
		return nil, nil, fmt.Errorf("cannot merge the configuration %s: %w", file, err)
	}
	for path, value := range w.environment(environ, root) {
		v.Set(path, value)
	}

	c := Default()
	if dir := stateDirectory(environ); dir != "" {
		c.Device.StateDir = dir
	}
	err := v.Unmarshal(c, func(dc *mapstructure.DecoderConfig) {
		dc.DecodeHook = mapstructure.ComposeDecodeHookFunc(
			durationHook, mapstructure.TextUnmarshallerHookFunc())
		dc.WeaklyTypedInput = false
	})
	decodeErrors(err, func(path string, err error) {
		if w.bad[path] { // the place of a value that was refused already
			return
		}
		w.bad[path] = true
		w.problems = append(w.problems, w.at(path, err.Error()))
	})

	check(c, func(path, text string) {
		if !w.known(path) {
			w.problems = append(w.problems, w.at(path, text))
		}
	})
	if len(w.problems) > 0 {
		return c, w, w.problems.sorted()
	}
	return c, w, nil
}

// yamlLine finds the place in an error of the YAML parser, which has no field
// for it.
var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// document parses the file and walks through it.
func (w *walker) document(data []byte, root *node) map[string]any {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, second yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) { // nothing but comments
		return map[string]any{}
	}
	if err == nil {
		if errSecond := dec.Decode(&second); !errors.Is(errSecond, io.EOF) {
			if errSecond == nil {
				w.problem(&second, "", "a second document begins here; the configuration is one document")
			}
			err = errSecond
		}
	}
	if err != nil {
		p := Problem{Source: w.file, Line: 1, Text: "is not YAML: " + err.Error()}
		if m := yamlLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " ")); m != nil {
			p.Text = "is not YAML: " + m[2] + yamlRemedy(m[2])
			if line, err := strconv.Atoi(m[1]); err == nil && line > 0 {
				p.Line = line
			}
		}
		w.problems = append(w.problems, p)
	}
	if len(doc.Content) == 0 {
		return map[string]any{}
	}
	return w.section(doc.Content[0], root, "")
}

// yamlRemedy says in plain words what to look for; the parser sees a mistake only where
// it cannot go on, and knows no column.
func yamlRemedy(said string) string {
	if strings.Contains(said, "cannot start any token") {
		return "; is there a tab? YAML is indented by spaces"
	}
	return "; the mistake is here or in the lines around: look at indentation, colons and quotes"
}

// at makes a problem of a value: where it stands, else where its section stands,
// else the file as a whole.
func (w *walker) at(path, text string) Problem {
	for p := path; ; {
		if pl, ok := w.places[p]; ok {
			return Problem{Source: pl.source, Line: pl.line, Column: pl.column, Key: path, Text: text}
		}
		cut := strings.LastIndexAny(p, ".[")
		if cut < 0 {
			break
		}
		p = p[:cut]
	}
	return Problem{Source: w.file, Key: path, Text: text}
}

// decodeErrors calls f with the path and the reason of every value that could not
// be decoded.
func decodeErrors(err error, f func(path string, err error)) {
	switch e := err.(type) { //nolint:errorlint // walks the whole tree, of which As gives one branch
	case nil:
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			decodeErrors(one, f)
		}
	case *mapstructure.DecodeError:
		var deeper *mapstructure.DecodeError
		if errors.As(e.Unwrap(), &deeper) {
			decodeErrors(e.Unwrap(), f)
			return
		}
		f(e.Name(), e.Unwrap())
	default:
		if inner := errors.Unwrap(err); inner != nil {
			decodeErrors(inner, f)
			return
		}
		f("", err)
	}
}

// known reports whether the value at path, or the list item that it is in, has a
// problem already.
func (w *walker) known(path string) bool {
	for p := path; p != ""; {
		if w.bad[p] && (p == path || strings.HasSuffix(p, "]")) {
			return true
		}
		p = p[:max(0, strings.LastIndexByte(p, '.'))]
	}
	return false
}

// durationHook reads durations; mapstructure's own would take 90 for 90 ns.
func durationHook(from, to reflect.Type, data any) (any, error) {
	if to != reflect.TypeFor[time.Duration]() || from.Kind() != reflect.String {
		return data, nil
	}
	return parseDuration(reflect.ValueOf(data).String())
}

// stateDirectory is what systemd made for us: the first of a list.
func stateDirectory(environ []string) string {
	dir, _, _ := strings.Cut(lookup(environ, "STATE_DIRECTORY"), ":")
	return dir
}
