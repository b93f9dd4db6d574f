package reference

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"

	"callbox/daemon/config"
)

// sources are the folders whose structs make up the configuration.
var sources = []string{
	"daemon/config", "signaling/direct", "signaling/push", "signaling/mqtt", "signaling/relay", "media/options", "hal",
}

// Reference is what is known of the configuration.
type Reference struct {
	Keys     []config.Key
	comments map[string]string // of "package.Type" and "package.Type.Field"
}

// Read reads the comments from the source below root, the folder of go.mod. A key
// without a comment is an error.
func Read(root string) (*Reference, error) {
	r := &Reference{Keys: config.Keys(), comments: map[string]string{}}
	for _, dir := range sources {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.go"))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("cannot find Go files in %s: %w; root is the folder of go.mod", filepath.Join(root, dir), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			if err := r.read(file); err != nil {
				return nil, err
			}
		}
	}
	var missing []string
	walk(r.Keys, func(k config.Key) {
		if r.comment(k) == "" {
			missing = append(missing, k.Path+" ("+k.Owner+"."+k.Field+")")
		}
	})
	if len(missing) > 0 {
		return nil, fmt.Errorf("cannot write about keys whose fields have no comment: %s", strings.Join(missing, ", "))
	}
	return r, nil
}

// walk calls f for every key, sections and the keys of list items among them.
func walk(keys []config.Key, f func(config.Key)) {
	for _, k := range keys {
		f(k)
		walk(k.Keys, f)
	}
}

func (r *Reference) read(file string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		return fmt.Errorf("cannot read the comments: %w", err)
	}
	for _, decl := range parsed.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE || len(gen.Specs) != 1 {
			continue
		}
		spec := gen.Specs[0].(*ast.TypeSpec)
		name := parsed.Name.Name + "." + spec.Name.Name
		r.comments[name] = oneLine(gen.Doc)
		if fields, ok := spec.Type.(*ast.StructType); ok {
			r.fields(name, fields)
		}
	}
	return nil
}

func (r *Reference) fields(name string, of *ast.StructType) {
	for _, f := range of.Fields.List {
		if f.Tag == nil {
			continue
		}
		if tag, err := strconv.Unquote(f.Tag.Value); err != nil || !strings.Contains(tag, "mapstructure") {
			continue
		}
		for _, one := range f.Names {
			text := oneLine(f.Doc)
			if text == "" {
				text = oneLine(f.Comment)
			}
			r.comments[name+"."+one.Name] = text
		}
	}
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// comment is that of the field, else of its type.
func (r *Reference) comment(k config.Key) string {
	if text := r.comments[k.Owner+"."+k.Field]; text != "" {
		return text
	}
	return r.comments[strings.TrimPrefix(k.Type, "*")]
}

// about is the comment for who does not know the code: it begins with the name of the
// key, not of the field or of its type.
func (r *Reference) about(k config.Key) string {
	text := r.comment(k)
	_, typ, _ := strings.Cut(k.Type, ".")
	for _, name := range []string{k.Field, typ} {
		if rest, ok := strings.CutPrefix(text, name+" "); ok && name != "" {
			return k.Name + " " + rest
		}
	}
	return text
}
