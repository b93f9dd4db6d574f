package direct

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// contentTypes are those of a web page's files. The system's own table differs
// from device to device, and with nosniff a wrong type is a broken page.
var contentTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".mjs":         "text/javascript; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".json":        "application/json",
	".map":         "application/json",
	".webmanifest": "application/manifest+json",
	".wasm":        "application/wasm",
	".txt":         "text/plain; charset=utf-8",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".jpg":         "image/jpeg",
	".webp":        "image/webp",
	".ico":         "image/x-icon",
	".woff2":       "font/woff2",
	".mp3":         "audio/mpeg",
	".ogg":         "audio/ogg",
	".opus":        "audio/ogg",
	".wav":         "audio/wav",
}

// pageHeaders let the page load its own files and use camera and microphone, and
// nothing else; no other site may frame it.
var pageHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
		"media-src 'self' blob: mediastream:; connect-src 'self' ws: wss:; manifest-src 'self'; worker-src 'self'; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":     "nosniff",
	"Referrer-Policy":            "no-referrer",
	"Permissions-Policy":         "camera=(self), microphone=(self)",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cache-Control":              "no-cache", // kept, but asked for each time: the ETag answers
}

// page serves the phone page.
type page struct {
	fs  fs.FS // nil: none
	log zerolog.Logger
}

func (p page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for k, v := range pageHeaders {
		w.Header().Set(k, v)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "only GET and HEAD are served here", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" {
		name = "index.html"
	}
	content, err := p.read(name)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist) && name == "index.html":
		http.Error(w, "this build has no call page; run make phone", http.StatusServiceUnavailable)
		return
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid):
		http.Error(w, "there is no such file", http.StatusNotFound)
		return
	default:
		p.log.Error().Err(err).Str("file", name).Msg("cannot serve the page")
		http.Error(w, "the page cannot be read", http.StatusInternalServerError)
		return
	}
	kind, ok := contentTypes[path.Ext(name)]
	if !ok {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
	sum := sha256.Sum256(content)
	w.Header().Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:16])+`"`)
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}

// read returns a file's content; folders are not there.
func (p page) read(name string) ([]byte, error) {
	if p.fs == nil || !fs.ValidPath(name) {
		return nil, fs.ErrNotExist
	}
	info, err := fs.Stat(p.fs, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	return fs.ReadFile(p.fs, name)
}
