//go:build packaged

package packaged

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var systems = flag.String("systems", "", "what is tested: RELEASE=FOLDER=PACKAGE for each release, separated by blanks")

// system is a release to test on.
type system struct{ root, deb string }

// eachSystem reads the flag.
func eachSystem(t *testing.T) map[string]system {
	t.Helper()
	all := map[string]system{}
	for one := range strings.FieldsSeq(*systems) {
		words := strings.Split(one, "=")
		if len(words) != 3 {
			t.Fatalf("-systems has %q, which is not RELEASE=FOLDER=PACKAGE", one)
		}
		all[words[0]] = system{words[1], words[2]}
	}
	if len(all) == 0 {
		t.Fatal("-systems names no release; make test-package does")
	}
	return all
}

// TestPackage plays the life of an installed package, on each release.
func TestPackage(t *testing.T) {
	for release, s := range eachSystem(t) {
		t.Run(release, func(t *testing.T) {
			started := time.Now()
			l := &life{machine: boot(t, s.root, nil), top: t, deb: s.deb}
			t.Logf("booted in %.1f s", time.Since(started).Seconds())
			for _, step := range l.steps() {
				ok := t.Run(step.name, func(t *testing.T) {
					l.t = t
					step.do()
				})
				l.t = t
				if !ok { // what follows builds upon it
					t.Logf("the end of the journal:\n%s", tail(first(l.try("journalctl", "--no-pager", "-n", "60"))))
					t.FailNow()
				}
			}
		})
	}
}

// TestImage installs the package while no systemd runs, as who builds an image does: it
// must start at the first boot.
func TestImage(t *testing.T) {
	for release, s := range eachSystem(t) {
		t.Run(release, func(t *testing.T) {
			m := boot(t, s.root, func(root string) {
				command(t, "cp", s.deb, filepath.Join(root, "var/tmp/callbox.deb"))
				command(t, "chroot", root, "dpkg", "-i", "/var/tmp/callbox.deb")
			})
			m.untilShow("ActiveState", "active")
			if got := m.show("UnitFileState"); got != "enabled" {
				t.Errorf("the unit is %s", got)
			}
			m.run("callboxctl", "status")
			command(t, "chroot", m.root, "dpkg", "--verify", "callbox")
		})
	}
}

func first(text string, _ error) string { return text }

// life is a machine with the package.
type life struct {
	*machine
	top    *testing.T // of all steps
	deb    string
	phone  *phone
	jkt    string // the thumbprint of the device's key
	builds int    // of upgrades
}

type step struct {
	name string
	do   func()
}

func (l *life) steps() []step {
	return []step{
		{"install", l.install}, {"what it brings", l.brings}, {"status", l.status}, {"a network that comes later", l.network}, {"exposure", l.exposure}, {"devices", l.devices},
		{"credentials", l.credentials}, {"reload", l.reload}, {"a bad configuration", l.badConfig}, {"a call in the journal", l.call},
		{"kill", l.kill}, {"watchdog", l.watchdog}, {"upgrade", l.upgrade}, {"upgrade in a call", l.upgradeInCall},
		{"upgrade in a call that does not end", l.upgradeEndsCall}, {"an older version", l.older}, {"stop and disable", l.stop},
		{"remove", l.remove}, {"install again", l.again}, {"purge", l.purge},
	}
}

// put copies a package into the machine.
func (l *life) put(deb string) string {
	l.t.Helper()
	data, err := os.ReadFile(deb)
	if err != nil {
		l.t.Fatal(err)
	}
	path := "/var/tmp/" + filepath.Base(deb)
	l.write(path, string(data))
	return path
}

func (l *life) apt(deb string) (string, error) {
	return l.try("apt-get", "-y", "--no-install-recommends", "--allow-downgrades", "install", l.put(deb))
}

func (l *life) install() {
	if out, err := l.apt(l.deb); err != nil {
		l.t.Fatalf("%v\n%s", err, out)
	}
	for property, want := range map[string]string{"ActiveState": "active", "SubState": "running", "UnitFileState": "enabled", "NRestarts": "0"} {
		l.untilShow(property, want)
	}
	l.jkt = l.thumbprint()
}

// thumbprint is that of the device's key, as the daemon logged it at its last start.
func (l *life) thumbprint() string {
	l.t.Helper()
	found := regexp.MustCompile(`"CALLBOX_THUMBPRINT":"([^"]+)"`).FindAllStringSubmatch(l.journal(), -1)
	if len(found) == 0 {
		l.t.Fatal("the journal names no thumbprint")
	}
	return found[len(found)-1][1]
}

func (l *life) brings() {
	version := l.run("dpkg-query", "-W", "-f", "${Version}", "callbox")
	if got := l.run("callboxd", "--version"); got != "callboxd version "+version+"\n" {
		l.t.Errorf("the daemon of the package %s says %s", version, got)
	}
	l.run("callboxctl", "check", "/usr/share/doc/callbox/examples/callbox.yaml")
	for _, path := range []string{
		"/usr/share/man/man1/callboxctl-call.1.gz", "/usr/share/man/man5/callbox.yaml.5.gz", "/usr/share/man/man8/callboxd.8.gz",
		"/usr/share/bash-completion/completions/callboxctl", "/usr/share/zsh/vendor-completions/_callboxctl", "/usr/share/fish/vendor_completions.d/callboxctl.fish",
		"/usr/share/callbox/callbox.schema.json", "/usr/share/callbox/sbom.cdx.json", "/usr/share/doc/callbox/copyright", "/usr/share/doc/callbox/operations.md",
	} {
		if !l.exists(path) {
			l.t.Errorf("there is no %s", path)
		}
	}
	bill := l.run("cat", "/usr/share/callbox/sbom.cdx.json")
	for _, library := range []string{"libopus0", "libvpx", "libopenh264-", "libasound2"} {
		if !strings.Contains(bill, "pkg:deb/debian/"+library) {
			l.t.Errorf("%s is not in the bill of materials: %s", library, bill)
		}
	}
	if rights := l.run("cat", "/usr/share/doc/callbox/copyright"); !strings.Contains(bill, "pkg:npm/mqtt@") || !strings.Contains(rights, "MQTT.js contributors") {
		l.t.Error("MQTT.js, which the call page has in it, is not in the bill of materials, or its licence not in the copyright file")
	}
	for _, file := range []struct{ path, want string }{
		{"/var/lib/callbox", "700 callbox callbox"}, {"/run/callbox/control.sock", "660 callbox callbox"}, {"/etc/callbox/callbox.yaml", "644 root root"},
	} {
		if got := strings.TrimSpace(l.run("stat", "-c", "%a %U %G", file.path)); got != file.want {
			l.t.Errorf("%s is %s, want %s", file.path, got, file.want)
		}
	}
	groups := strings.Fields(l.run("id", "-nG", "callbox"))
	for _, group := range []string{"audio", "gpio", "input", "render", "video"} {
		if !strings.Contains(" "+strings.Join(groups, " ")+" ", " "+group+" ") {
			l.t.Errorf("the user callbox is in %v, not in %s", groups, group)
		}
	}
}

func (l *life) status() {
	l.until("the status line is whole", func() error {
		line := l.show("StatusText")
		if !regexp.MustCompile(`^idle; direct up; camera .+, microphone .+, speaker .+$`).MatchString(line) {
			return fmt.Errorf("it is %q", line)
		}
		return nil
	})
	if out := l.run("systemctl", "status", "--no-pager", "callbox"); !strings.Contains(out, `Status: "idle; direct up`) {
		l.t.Errorf("systemctl status says\n%s", out)
	}
	for property, want := range map[string]string{
		"WatchdogUSec": "30s", "RestartUSec": "5s", "StartLimitIntervalUSec": "0", "TimeoutStopUSec": "15s", "NotifyAccess": "main", "UMask": "0077", "StateDirectoryMode": "0700",
	} {
		if got := l.show(property); got != want {
			l.t.Errorf("%s is %s, want %s", property, got, want)
		}
	}
	l.run("callboxctl", "status")
	if code, out := l.fails("runuser", "-u", "nobody", "--", "callboxctl", "status"); code != 3 || !strings.Contains(out, "for root and the group callbox") {
		l.t.Errorf("to a stranger callboxctl says (%d)\n%s", code, out)
	}
	l.t.Logf("idle: %s", strings.Join(strings.Fields(l.run("grep", "VmRSS", "/proc/"+l.show("MainPID")+"/status")), " "))
	if code, out := l.fails("callboxctl", "doctor"); code != 6 || !strings.Contains(out, "no phone is paired") || !strings.Contains(out, "virtual camera stands in") {
		l.t.Errorf("doctor says (%d)\n%s", code, out)
	}
}

func (l *life) exposure() {
	unit := strings.TrimSpace(l.show("FragmentPath"))
	l.run("systemd-analyze", "security", "--no-pager", "--threshold=15", "callbox.service")
	l.run("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", unit)
	if out := l.run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit); strings.TrimSpace(out) != "" {
		l.t.Errorf("systemd-analyze verify says %s", out)
	}
}

// nodes are devices of which there is a node and no driver.
const nodes = `
mkdir -p /dev/snd /dev/dri /dev/input
node() { mknod -m 660 /dev/$1 c $2 $3; chgrp $4 /dev/$1; }
node video0 81 0 video; node snd/controlC0 116 0 audio; node dri/card0 226 0 video; node dri/renderD128 226 128 render; node input/event0 13 64 input
mknod -m 666 /dev/kmsg2 c 1 11`

// devices opens nodes as the daemon could: the classes of the unit have no driver here,
// everything else is forbidden.
func (l *life) devices() {
	l.run("sh", "-euc", nodes)
	args := []string{"systemd-run", "--quiet", "--pipe", "--wait", "-p", "User=callbox", "-p", "DevicePolicy=" + l.show("DevicePolicy")}
	allow := regexp.MustCompile(`(?m)^DeviceAllow=(.*)$`).FindAllStringSubmatch(l.run("systemctl", "cat", "callbox.service"), -1)
	for _, a := range allow {
		args = append(args, "-p", "DeviceAllow="+a[1])
	}
	for device, want := range map[string]string{
		"/dev/video0": "No such device or address", "/dev/snd/controlC0": "No such device or address", "/dev/dri/card0": "No such device",
		"/dev/dri/renderD128": "No such device",
		"/dev/input/event0":   "No such device", "/dev/kmsg2": "Operation not permitted",
	} {
		if _, out := l.fails(append(args, "cat", device)...); !strings.Contains(out, want) {
			l.t.Errorf("%s: %s, want %q", device, strings.TrimSpace(out), want)
		}
	}
	l.forbiddenCamera(allow)
}

// forbiddenCamera: what keeps the daemon from a camera, the mode of its node or the unit,
// doctor tells apart.
func (l *life) forbiddenCamera(allow [][]string) {
	const dropIn = "/etc/systemd/system/callbox.service.d/devices.conf"
	says := func(advice string) {
		l.until("doctor says "+advice, func() error {
			if _, out := l.fails("callboxctl", "doctor"); !strings.Contains(out, "cannot ask /dev/video0: ") || !strings.Contains(out, advice) {
				return fmt.Errorf("doctor says\n%s", out)
			}
			return nil
		})
	}
	l.run("chmod", "600", "/dev/video0")
	says("add the daemon's user to the group video")
	l.run("chmod", "660", "/dev/video0")
	only := "[Service]\nDeviceAllow=\n"
	for _, a := range allow {
		if !strings.HasPrefix(a[1], "char-81") {
			only += "DeviceAllow=" + a[1] + "\n"
		}
	}
	l.write(dropIn, only)
	l.run("systemctl", "daemon-reload")
	l.run("systemctl", "restart", "callbox")
	says("add DeviceAllow=char-81 rw to the unit")
	l.run("rm", dropIn)
	l.run("systemctl", "daemon-reload")
	l.run("systemctl", "restart", "callbox")
}

// credentials: a secret in the credential store reaches the daemon, and only it.
func (l *life) credentials() {
	names := []string{"callbox.broker-password", "callbox.turn-secret", "callbox.webhook-secret"}
	l.run("mkdir", "-p", "-m", "700", "/etc/credstore.encrypted")
	for _, name := range names {
		l.run("sh", "-c", "printf 'secret of "+name+"' | systemd-creds encrypt --name="+name+" - /etc/credstore.encrypted/"+name)
	}
	l.run("systemctl", "restart", "callbox")
	for _, name := range names {
		path := "/run/credentials/callbox.service/" + name
		if got := l.run("cat", path); got != "secret of "+name {
			l.t.Errorf("the daemon gets %q", got)
		}
		if _, out := l.fails("runuser", "-u", "nobody", "--", "cat", path); !strings.Contains(out, "Permission denied") {
			l.t.Errorf("somebody else gets %s", out)
		}
		l.run("rm", "/etc/credstore.encrypted/"+name)
	}
	l.run("systemctl", "restart", "callbox") // without them the daemon starts as well
}

// call pairs a phone, talks, and asks the journal for the call by its fields.
func (l *life) call() {
	l.phone = startPhone(l.top, l.machine)
	l.pair(l.phone, "Anna")
	l.phone.talk()
	l.until("the status line tells of the call", func() error {
		if line := l.show("StatusText"); !strings.HasPrefix(line, "talking with Anna; direct up (1 phone)") {
			return fmt.Errorf("it is %q", line)
		}
		return nil
	})
	l.run("callboxctl", "hangup")
	l.phone.hears("ended hangup")
	l.untilJournal("to=ended", "CALL_ROOM_ID="+l.phone.room, "CALL_PEER=Anna", "CALL_CAUSE=hangup")
	var entry map[string]any
	line, _, _ := strings.Cut(l.journal("CALL_ROOM_ID="+l.phone.room, "CALL_CAUSE=hangup", "CALLBOX_TO=ended"), "\n")
	if err := json.Unmarshal([]byte(line), &entry); err != nil {
		l.t.Fatal(err)
	}
	for field, want := range map[string]string{
		"PRIORITY": "6", "SYSLOG_IDENTIFIER": "callboxd", "CODE_FILE": "callbox/daemon/loop.go", "CODE_FUNC": "callbox/daemon.(*loop).step", "CALL_ROOM_ID": l.phone.room,
	} {
		if entry[field] != want {
			l.t.Errorf("%s is %v, want %s", field, entry[field], want)
		}
	}
	if got := l.journal("CALL_ROOM_ID=another"); got != "" {
		l.t.Errorf("of a call that never was the journal has %s", got)
	}
}

// quick lets systemd be quicker than on a device.
func (l *life) quick(watchdog string) {
	l.write("/etc/systemd/system/callbox.service.d/test.conf", "[Service]\nRestartSec=200ms\nWatchdogSec="+watchdog+"\n")
	l.run("systemctl", "daemon-reload")
	l.run("systemctl", "restart", "callbox")
}

func (l *life) kill() {
	l.quick("30")
	pid := l.show("MainPID")
	l.run("kill", "-KILL", pid)
	l.untilShow("NRestarts", "1")
	l.untilShow("ActiveState", "active")
	l.connected()
}

// connected waits until the phone has found the daemon again.
func (l *life) connected() {
	l.t.Helper()
	l.until("the phone is connected", func() error {
		var s struct {
			Transports []struct {
				Phones int `json:"phones"`
			} `json:"transports"`
		}
		if out, err := l.try("callboxctl", "status", "--json"); err != nil || json.Unmarshal([]byte(out), &s) != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		if len(s.Transports) == 0 || s.Transports[0].Phones == 0 {
			return fmt.Errorf("no phone: %+v", s)
		}
		return nil
	})
}

// watchdog stops the daemon as a fault would; systemd must find out.
func (l *life) watchdog() {
	l.quick("2")
	pid := l.show("MainPID")
	l.run("kill", "-STOP", pid)
	l.untilJournal("Watchdog timeout")
	l.untilShow("NRestarts", "1")
	l.untilShow("ActiveState", "active")
	if l.show("MainPID") == pid {
		l.t.Error("it is the same process")
	}
	l.run("rm", "-r", "/etc/systemd/system/callbox.service.d")
	l.run("systemctl", "daemon-reload")
	l.run("systemctl", "restart", "callbox")
}
