package config

import (
	"strings"
	"testing"
)

func TestPush(t *testing.T) {
	for name, tt := range map[string]struct{ yaml, want string }{
		"a whole section":   {"{hosts: [push.example.com, 'push.example.com:8443'], contact: 'mailto:a@b.example', webhook: {url: 'https://b.example/x', secret_file: hook}}", ""},
		"off without hosts": {"{enabled: false, hosts: []}", ""},
		"no hosts":          {"{hosts: []}", "signaling.push.hosts: is empty"},
		"a URL as a host":   {"{hosts: ['https://push.example.com']}", "signaling.push.hosts[0]: \"https://push.example.com\" is no host name"},
		"a bad port":        {"{hosts: ['push.example.com:0']}", "is no host name"},
		"a bare address":    {"{contact: a@b.example}", "signaling.push.contact: \"a@b.example\" is no contact"},
		"a plain webhook":   {"{webhook: {url: 'http://b.example', secret_file: hook}}", "signaling.push.webhook.url: is no https URL"},
		"no secret":         {"{webhook: {url: 'https://b.example'}}", "signaling.push.webhook.secret_file: is missing"},
		"a bad secret":      {"{webhook: {url: 'https://b.example', secret_file: a/b}}", "is neither an absolute path"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load("f", []byte("signaling: {push: "+tt.yaml+"}"), nil)
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("load = %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAWebhookIsRedacted(t *testing.T) {
	c := Default()
	c.Signaling.Push.Webhook.URL = "https://b.example/key-in-the-path?and=query"
	text, err := c.Redacted(true)
	if err != nil || strings.Contains(string(text), "key-in-the-path") || !strings.Contains(string(text), `"https://b.example"`) {
		t.Errorf("redacted %s, %v", text, err)
	}
}
