package mqtt

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestParseBroker(t *testing.T) {
	for text, want := range map[string]string{
		"mqtt://broker":              "mqtt://broker:1883",
		"mqtts://broker.example.com": "mqtts://broker.example.com:8883",
		"MQTTS://broker:1234/":       "mqtts://broker:1234",
		"ws://broker":                "ws://broker:80",
		"wss://broker/mqtt?x=1":      "wss://broker:443/mqtt?x=1",
		"mqtt://[::1]":               "mqtt://[::1]:1883",
		"tcp://broker":               "",
		"broker:1883":                "",
		"":                           "",
		"mqtts://user:word@broker":   "",
		"mqtts://broker/path":        "",
		"mqtts://:8883":              "",
		"wss://broker/mqtt#part":     "",
		"http://broker":              "",
		"mqtt://bro ker":             "",
	} {
		u, err := ParseBroker(text)
		if want == "" {
			if !errors.Is(err, ErrURL) || strings.Contains(err.Error(), "word@") {
				t.Errorf("%q: %v, %v; want ErrURL, and no password in it", text, u, err)
			}
			continue
		}
		if err != nil || u.String() != want {
			t.Errorf("%q became %v, %v; want %s", text, u, err, want)
		}
	}
}

func TestReadable(t *testing.T) {
	for text, want := range map[string]bool{
		"mqtt://broker": true, "ws://192.0.2.1": true, "mqtts://broker": false, "wss://broker": false,
		"mqtt://127.0.0.1": false, "mqtt://localhost": false, "ws://[::1]": false,
	} {
		u, err := ParseBroker(text)
		if err != nil || Readable(u) != want {
			t.Errorf("Readable(%s) = %v, %v", text, Readable(u), err)
		}
	}
}

func TestCheckPrefix(t *testing.T) {
	for prefix, good := range map[string]bool{
		"callbox/1": true, "a": true, "a/b/c/d/e": true, "": false, "a/b/c/d/e/f": false, "/a": false, "a/": false, "a//b": false,
		"a/+": false, "#": false, "$SYS": false, "a b": false, strings.Repeat("a", 65): false,
	} {
		if err := CheckPrefix(prefix); (err == nil) != good {
			t.Errorf("CheckPrefix(%q) = %v", prefix, err)
		}
	}
}

// TestBadConfiguration: each stops the start with an error that says what to do.
func TestBadConfiguration(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gone := errors.New("the file is gone")
	for name, tt := range map[string]struct {
		change   func(*Options)
		password func() ([]byte, error)
		want     error
		words    string
	}{
		"no broker":             {func(o *Options) { o.Brokers = nil }, nil, ErrURL, "signaling.mqtt.brokers"},
		"no URL":                {func(o *Options) { o.Brokers = []string{"broker"} }, nil, ErrURL, "must be mqtts"},
		"no password":           {nil, func() ([]byte, error) { return nil, gone }, ErrPassword, "the file is gone"},
		"empty password":        {nil, func() ([]byte, error) { return nil, nil }, ErrPassword, "it is empty"},
		"two lines":             {nil, func() ([]byte, error) { return []byte("a\nb"), nil }, ErrPassword, "several lines"},
		"no authority":          {func(o *Options) { o.CA = filepath.Join(dir, "none") }, nil, ErrCertificate, "signaling.mqtt.ca"},
		"authority without PEM": {func(o *Options) { o.CA = file("ca", "x") }, nil, ErrCertificate, "must be PEM"},
		"half a client":         {func(o *Options) { o.ClientCertificate = file("c", "x") }, nil, ErrCertificate, "client_key"},
		"prefix":                {func(o *Options) { o.Prefix = "a/#" }, nil, nil, "cannot use prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Brokers: []string{"mqtt://127.0.0.1:1"}, Prefix: DefaultPrefix}
			if tt.change != nil {
				tt.change(&o)
			}
			_, err := New(o, Config{Address: device, Key: newKey(t), Handler: &heard{}, Password: tt.password})
			if err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("error %v, want %v with %q", err, tt.want, tt.words)
			}
		})
	}
}

func TestPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backoff{steady: time.Minute}
		if p := b.pause(); p != 0 {
			t.Errorf("the first pause is %v", p)
		}
		want := func(longest time.Duration) {
			t.Helper()
			var found time.Duration
			for range 1000 {
				p := b.pause()
				if p < 0 || p >= longest {
					t.Fatalf("a pause of %v, want one under %v", p, longest)
				}
				found = max(found, p)
			}
			if found < longest/2 {
				t.Errorf("no pause of a thousand is longer than %v, want them spread up to %v", found, longest)
			}
		}
		want(time.Second)
		time.Sleep(7 * time.Second)
		want(7 * time.Second)
		time.Sleep(time.Hour)
		want(time.Minute)
		b.up()
		time.Sleep(59 * time.Second)
		b.down() // too soon: no reason to hope
		want(time.Minute)

		b = &backoff{steady: time.Minute}
		b.pause()
		time.Sleep(3 * time.Second)
		b.up()
		time.Sleep(55 * time.Second) // which is no time without the broker
		b.down()
		want(3 * time.Second)
		time.Sleep(2 * time.Second)
		want(5 * time.Second)
		b.up()
		time.Sleep(time.Minute)
		b.down()
		want(time.Second)
	})
}

// TestQuarrel: two devices with one name throw each other out, the one that comes back
// the one that is there. They do so once in some seconds soon, and once in half a
// minute later.
func TestQuarrel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const quarrels = 100
		var firstSeconds, minutes int
		for range quarrels {
			began := time.Now()
			two := [2]*backoff{{steady: time.Minute}, {steady: time.Minute}}
			for _, b := range two {
				b.pause()
			}
			two[0].up()
			for in := 0; time.Since(began) < 10*time.Minute; minutes++ {
				out := 1 - in
				two[out].up()
				two[in].down()
				time.Sleep(two[in].pause())
				if time.Since(began) < 4*time.Second {
					firstSeconds++
				}
				in = out
			}
		}
		t.Logf("%.1f in 4 s, %.1f in 10 minutes", float64(firstSeconds)/quarrels, float64(minutes)/quarrels)
		// An average of a hundred: no luck comes near the bounds.
		if mean := float64(firstSeconds) / quarrels; mean > 10 {
			t.Errorf("%.1f connections in the first 4 s, want at most 10 on an average", mean)
		}
		if mean := float64(minutes) / quarrels; mean > 60 {
			t.Errorf("%.1f connections in 10 minutes, want at most 60 on an average", mean)
		}
	})
}
