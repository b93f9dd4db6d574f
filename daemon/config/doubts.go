package config

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"callbox/hal"
)

// What the unit of the package lets the daemon write to, and where privileged ports end
// where the kernel does not say: ip_unprivileged_port_start of ip-sysctl.
const (
	unitStateDir   = "/var/lib/callbox"
	unitRuntimeDir = "/run/callbox"
	firstOpenPort  = 1024
)

// unprivilegedPorts tells it.
var unprivilegedPorts = "/proc/sys/net/ipv4/ip_unprivileged_port_start"

// doubts is what is right by itself and still will not do what was meant, or not under the
// unit of the package. set says whether a key was set, inFile whether the file did it: the
// variable of the socket is how a shell names a daemon, too.
func doubts(c *Config, set, inFile func(key string) bool, r report) {
	for _, one := range c.secrets() {
		if one.name != "" && !filepath.IsAbs(one.name) && !slices.Contains(credentials, one.name) {
			text := fmt.Sprintf("the unit of the package asks systemd for %s, and not for %s", strings.Join(credentials, ", "), one.name)
			if near := nearest(one.name, credentials); near != "" {
				text += " (did you mean " + near + "?)"
			}
			r(one.key, text+"; a drop-in with LoadCredentialEncrypted= asks for it, too")
		}
	}
	if d := c.Signaling.Direct; d.Enabled {
		if port, first := PrivilegedPort(d.Listen); port > 0 {
			r("signaling.direct.listen", fmt.Sprintf("ports below %d are not for everybody, and the daemon's is %d; take one from %d on, or give the unit AmbientCapabilities=CAP_NET_BIND_SERVICE, and the same as its CapabilityBoundingSet=", first, port, first))
		}
	}
	if !below(c.Device.StateDir, unitStateDir) {
		r("device.state_dir", fmt.Sprintf("the unit of the package lets the daemon write below %s only; %s", unitStateDir, opens(c.Device.StateDir)))
	}
	if !below(c.Control.Socket, unitRuntimeDir) && inFile("control.socket") {
		r("control.socket", fmt.Sprintf("the unit of the package lets the daemon make it below %s only; %s", unitRuntimeDir, opens(filepath.Dir(c.Control.Socket))))
	}
	if limit := c.Call.MaxDuration; limit.Set && set("call.warnings") {
		for _, w := range c.Call.Warnings {
			if w >= limit.Value {
				r("call.warnings", fmt.Sprintf("a warning %s before the end never comes where call.max_duration is %s", w, limit))
			}
		}
	}
	if h := c.HAL; h.Camera.Name == hal.NameNone && h.Microphone.Name == hal.NameNone && h.Speaker.Name == hal.NameNone {
		r("hal", "neither a camera nor a microphone nor a speaker is wanted: a call would be of nothing")
	}
}

// opens says how the unit opens a folder. What ProtectHome= shuts, ReadWritePaths= does not
// open (systemd.exec(5)).
func opens(dir string) string {
	for _, home := range []string{"/home", "/root", "/run/user"} {
		if below(dir, home) {
			return "it shuts " + home + " (ProtectHome=); take a place elsewhere"
		}
	}
	return "a drop-in with ReadWritePaths=" + dir + " opens that place, too"
}

// below says whether path is dir or stands in it.
func below(path, dir string) bool {
	path = filepath.Clean(path)
	return path == dir || strings.HasPrefix(path, dir+"/")
}

// PrivilegedPort is the port of an address when only processes with
// CAP_NET_BIND_SERVICE may listen on it, else 0, and the first port that everybody may
// have.
func PrivilegedPort(address string) (port, first int) {
	first = firstOpenPort
	if text, err := os.ReadFile(unprivilegedPorts); err == nil {
		if n, err := strconv.Atoi(strings.TrimSpace(string(text))); err == nil {
			first = n
		}
	}
	_, text, err := net.SplitHostPort(address)
	if err != nil {
		return 0, first // the loader refuses it
	}
	if port, err = strconv.Atoi(text); err != nil || port >= first {
		return 0, first
	}
	return port, first
}

// secretKey is a key that names a secret.
type secretKey struct{ key, name string }

// secrets are the names of the secrets of what is switched on, "" among them.
func (c *Config) secrets() (list []secretKey) {
	if m := c.Signaling.MQTT; m.Enabled {
		list = append(list, secretKey{"signaling.mqtt.password_file", m.PasswordFile})
	}
	if w := c.Signaling.Push.Webhook; w.URL != "" {
		list = append(list, secretKey{"signaling.push.webhook.secret_file", w.SecretFile})
	}
	return append(list, secretKey{"media.ice.turn_secret_file", c.Media.ICE.TURNSecretFile})
}

// Credentials are the systemd credentials that the configuration names, by their keys.
func (c *Config) Credentials() map[string]string {
	names := map[string]string{}
	for _, one := range c.secrets() {
		if one.name != "" && !filepath.IsAbs(one.name) {
			names[one.key] = one.name
		}
	}
	return names
}
