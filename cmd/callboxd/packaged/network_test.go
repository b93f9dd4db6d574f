//go:build packaged

package packaged

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"callbox/daemon/control"
)

// pageHere is the address of the page in the network that comes.
const pageHere = "https://10.77.0.2:8443/"

// network: the daemon was started without a network, and with no configuration. It
// finds the one that comes, and a phone in it pairs and calls.
func (l *life) network() {
	if urls := l.pages(); slices.Contains(urls, pageHere) {
		l.t.Fatalf("there is a network already: %v", urls)
	}
	for _, args := range [][]string{
		{"link", "add", "eth0", "type", "veth", "peer", "name", "eth1"},
		{"address", "add", "10.77.0.2/24", "dev", "eth0"}, {"link", "set", "eth0", "up"}, {"link", "set", "eth1", "up"},
	} {
		l.ip(args...)
	}
	l.until("the page has the new address", func() error {
		if urls := l.pages(); !slices.Contains(urls, pageHere) {
			return fmt.Errorf("it has %v", urls)
		}
		return nil
	})
	p := startPhone(l.t, l.machine)
	l.pair(p, "Ben")
	p.talk()
	l.run("callboxctl", "hangup")
	p.hears("ended hangup")
	l.run("callboxctl", "contacts", "forget", "Ben")
	l.ip("link", "del", "eth0")
}

// ip runs ip(8) in the network of the machine, which need not have that program.
func (l *life) ip(args ...string) {
	l.t.Helper()
	command(l.t, append([]string{"nsenter", "-t", strconv.Itoa(l.pid), "-n", "--", "ip"}, args...)...)
}

// pages are the addresses of the call page.
func (l *life) pages() (urls []string) {
	l.t.Helper()
	var s control.Status
	if err := json.Unmarshal([]byte(l.run("callboxctl", "status", "--json")), &s); err != nil {
		l.t.Fatal(err)
	}
	for _, t := range s.Transports {
		urls = append(urls, t.URLs...)
	}
	return urls
}

// pair lets a phone in through a pairing window.
func (l *life) pair(p *phone, name string) {
	l.t.Helper()
	var window control.PairWindow
	if err := json.Unmarshal([]byte(l.run("callboxctl", "pair", "--json", "--name", name, "--for", "1m")), &window); err != nil {
		l.t.Fatal(err)
	}
	p.say("pair " + window.URL)
	p.hears("paired")
}
