//go:build e2e

package e2e

import (
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// hostGuide is what docs/hosting.md tells a host to do.
type hostGuide struct {
	path     string            // below which the page is
	redirect string            // which leads there
	headers  map[string]string // of every file
	types    map[string]string // content types by file name ending
}

var (
	guideNginx  = regexp.MustCompile("(?s)```nginx\nlocation = (/\\w+) \\{ return 301 (/\\w+/)\\$is_args\\$args; \\}\nlocation (/\\w+/) \\{\n    alias [^\n]+/;\n(.*?)\n\\}\n```")
	guideCaddy  = regexp.MustCompile("(?s)```\ncalls.example.com \\{\n    redir (/\\w+) (/\\w+/)\n    handle_path (/\\w+/)\\* \\{\n(.*?)\n    \\}\n\\}\n```")
	guideTypes  = regexp.MustCompile(`(?s)types \{(.*?)\}`)
	guideType   = regexp.MustCompile(`([\w+/]+) (\w+);`)
	guideHeader = regexp.MustCompile(`(?m)^ +(?:add_header )?([\w-]+) "([^"]*)"(?: always;)?$`)
)

// readHostGuide reads the blocks for nginx and Caddy, which have to say the same.
func readHostGuide(t *testing.T) hostGuide {
	t.Helper()
	text, err := os.ReadFile("../../../docs/hosting.md")
	if err != nil {
		t.Fatal(err)
	}
	nginx, caddy := guideNginx.FindStringSubmatch(string(text)), guideCaddy.FindStringSubmatch(string(text))
	if nginx == nil || caddy == nil {
		t.Fatal("docs/hosting.md has no block for nginx, or none for Caddy")
	}
	g := hostGuide{path: nginx[3], redirect: nginx[1], headers: guideHeaders(nginx[4]), types: map[string]string{}}
	if g.redirect+"/" != g.path || nginx[2] != g.path || caddy[1] != g.redirect || caddy[2] != g.path || caddy[3] != g.path {
		t.Errorf("the guide's paths are %q and %q", nginx[1:4], caddy[1:4])
	}
	if other := guideHeaders(caddy[4]); len(g.headers) < 6 || !maps.Equal(g.headers, other) {
		t.Errorf("the guide's headers are of nginx %q, and of Caddy %q", g.headers, other)
	}
	block := guideTypes.FindStringSubmatch(nginx[4])
	if block == nil || !strings.Contains(nginx[4], "charset utf-8;") {
		t.Fatal("nginx is not told the files' types and their charset")
	}
	for _, found := range guideType.FindAllStringSubmatch(block[1], -1) {
		g.types["."+found[2]] = found[1]
	}
	files, err := filepath.Glob(filepath.Join(pageFiles, "[^.]*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s is empty: %v; run make phone", pageFiles, err)
	}
	for _, file := range files {
		if g.types[path.Ext(file)] == "" {
			t.Errorf("the guide gives %s no type", filepath.Base(file))
		}
	}
	return g
}

// guideHeaders are the headers that a block sets, and their values.
func guideHeaders(block string) map[string]string {
	headers := map[string]string{}
	for _, found := range guideHeader.FindAllStringSubmatch(block, -1) {
		headers[found[1]] = found[2]
	}
	return headers
}

// ServeHTTP serves the built page as nginx does with the guide's block.
func (g hostGuide) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == g.redirect {
		to := g.path
		if r.URL.RawQuery != "" {
			to += "?" + r.URL.RawQuery
		}
		http.Redirect(w, r, to, http.StatusMovedPermanently)
		return
	}
	name, below := strings.CutPrefix(r.URL.Path, g.path)
	if !below {
		http.NotFound(w, r)
		return
	}
	for header, value := range g.headers {
		w.Header().Set(header, value)
	}
	if name == "" {
		name = "index.html"
	}
	kind := g.types[path.Ext(name)]
	switch kind {
	case "":
		kind = "application/octet-stream"
	case "text/html", "text/plain": // of ours the only ones in nginx's default charset_types
		kind += "; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	file, err := os.Open(filepath.Join(pageFiles, filepath.FromSlash(path.Clean("/"+name))))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil || stat.IsDir() {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, name, stat.ModTime(), file)
}
