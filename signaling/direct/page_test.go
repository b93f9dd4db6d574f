package direct

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

// expectedHeaders are written out once more: what a browser may do with the page is
// not to change by accident.
var expectedHeaders = map[string]string{
	"Content-Security-Policy": "default-src 'none'; " +
		"script-src 'self'; " + // no inline script, no eval
		"style-src 'self'; " +
		"img-src 'self' data: blob:; " +
		"media-src 'self' blob: mediastream:; " +
		"connect-src 'self' ws: wss:; " + // a page may serve devices elsewhere
		"manifest-src 'self'; " +
		"worker-src 'self'; " +
		"base-uri 'none'; " +
		"form-action 'none'; " +
		"frame-ancestors 'none'",
	"X-Content-Type-Options":     "nosniff",
	"Referrer-Policy":            "no-referrer",
	"Permissions-Policy":         "camera=(self), microphone=(self)",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Cache-Control":              "no-cache",
}

func TestPage(t *testing.T) {
	s, _ := start(t, setup{})
	for name, tt := range map[string]struct {
		method, path, kind string
		want               int
	}{
		"index":         {"GET", "/", "text/html; charset=utf-8", 200},
		"script":        {"GET", "/assets/app.js", "text/javascript; charset=utf-8", 200},
		"other file":    {"GET", "/assets/font.bin", "application/octet-stream", 200},
		"head":          {"HEAD", "/", "text/html; charset=utf-8", 200},
		"folder":        {"GET", "/assets", "", 404},
		"folder, slash": {"GET", "/assets/", "", 404},
		"missing":       {"GET", "/x", "", 404},
		"post":          {"POST", "/", "", 405},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest(tt.method, "http://"+s.Addr().String()+tt.path, nil)
			resp, err := client(t).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != tt.want || tt.kind != "" && resp.Header.Get("Content-Type") != tt.kind {
				t.Fatalf("%d %s, want %d %s", resp.StatusCode, resp.Header.Get("Content-Type"), tt.want, tt.kind)
			}
			// On errors, too: a browser shows their text as a page of this origin.
			for k, v := range expectedHeaders {
				if got := resp.Header.Values(k); len(got) != 1 || got[0] != v {
					t.Errorf("%s: %q, want %q", k, got, v)
				}
			}
			if tt.want != 200 {
				return
			}
			req.Header.Set("If-None-Match", resp.Header.Get("ETag"))
			again, err := client(t).Do(req)
			if err != nil {
				t.Fatal(err)
			}
			again.Body.Close()
			if again.StatusCode != http.StatusNotModified {
				t.Errorf("asked again with its ETag: %d", again.StatusCode)
			}
		})
	}
}

func TestNoPageInThisBuild(t *testing.T) {
	s, _ := start(t, setup{page: fstest.MapFS{}})
	resp, err := client(t).Get("http://" + s.Addr().String() + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != 503 || strings.TrimSpace(string(text)) != "this build has no call page; run make phone" {
		t.Errorf("%d %s", resp.StatusCode, text)
	}
}

func TestPageRefusesForeignHost(t *testing.T) {
	s, _ := start(t, setup{})
	req, _ := http.NewRequest("GET", "http://"+s.Addr().String()+"/", nil)
	req.Host = "evil.example"
	resp, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("%d, want 421", resp.StatusCode)
	}
}
