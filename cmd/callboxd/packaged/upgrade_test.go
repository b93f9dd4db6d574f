//go:build packaged

package packaged

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// newer makes the package again with a higher version.
func (l *life) newer() string {
	l.t.Helper()
	l.builds++
	dir := l.t.TempDir()
	command(l.t, "dpkg-deb", "-R", l.deb, dir+"/x")
	control := filepath.Join(dir, "x/DEBIAN/control")
	data, err := os.ReadFile(control)
	if err != nil {
		l.t.Fatal(err)
	}
	text := regexp.MustCompile(`(?m)^Version: (.*)$`).ReplaceAllString(string(data), fmt.Sprintf("Version: ${1}+test%d", l.builds))
	if err := os.WriteFile(control, []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
	out := filepath.Join(dir, fmt.Sprintf("callbox_newer%d.deb", l.builds))
	command(l.t, "dpkg-deb", "-b", "-Znone", dir+"/x", out)
	return out
}

// upgrade: an edited conffile asks nobody, and the daemon is the new one.
func (l *life) upgrade() {
	pid := l.show("MainPID")
	if out, err := l.apt(l.newer()); err != nil {
		l.t.Fatalf("%v\n%s", err, out)
	}
	if l.show("MainPID") == pid {
		l.t.Error("the old daemon runs on")
	}
	if got := first(l.try("cat", "/etc/callbox/callbox.yaml")); got != goodConfig {
		l.t.Errorf("the configuration is\n%s", got)
	}
	if l.exists("/etc/callbox/callbox.yaml.dpkg-dist") || l.exists("/etc/callbox/callbox.yaml.dpkg-new") {
		l.t.Error("dpkg has left another configuration")
	}
	if got := l.thumbprint(); got != l.jkt {
		l.t.Errorf("the device is another: %s, not %s", got, l.jkt)
	}
	l.connected()
}

// begin starts an upgrade and returns what tells of its end.
func (l *life) begin() <-chan string {
	l.t.Helper()
	deb, done := l.put(l.newer()), make(chan string, 1)
	go func() {
		out, err := l.try("apt-get", "-y", "--no-install-recommends", "install", deb)
		done <- fmt.Sprintf("%s (%v)", out, err)
	}()
	return done
}

// wantUpgraded waits for the end of an upgrade.
func (l *life) wantUpgraded(done <-chan string, pid string) {
	l.t.Helper()
	select {
	case out := <-done:
		if !strings.HasSuffix(out, "(<nil>)") || !strings.Contains(out, "callbox: a call is running; waiting") {
			l.t.Errorf("the upgrade says %s", out)
		}
	case <-time.After(patience):
		l.t.Fatal("the upgrade does not end")
	}
	if l.show("MainPID") == pid || l.show("ActiveState") != "active" {
		l.t.Error("the new daemon does not run")
	}
	l.connected()
}

// ownSocket is a control socket that is not the usual one.
const ownSocket = "/run/callbox/own.sock"

// upgradeInCall: the call goes on, though the configuration has a socket of its own.
func (l *life) upgradeInCall() {
	l.configure(goodConfig + "control: {socket: " + ownSocket + "}\n")
	l.run("systemctl", "reload", "callbox") // before the daemon has the new socket, and after
	l.run("systemctl", "restart", "callbox")
	l.run("systemctl", "reload", "callbox")
	l.connected()
	l.phone.talk()
	pid := l.show("MainPID")
	done := l.begin()
	l.until("the package waits", func() error {
		out, err := l.try("pgrep", "-x", "-f", "callboxctl idle")
		if err == nil && out == "" {
			err = fmt.Errorf("nobody waits")
		}
		return err
	})
	if l.show("MainPID") != pid || !strings.HasPrefix(l.show("StatusText"), "talking with Anna") {
		l.t.Error("the call is disturbed by the upgrade")
	}
	l.phone.say("hangup")
	l.phone.hears("ended hangup")
	l.wantUpgraded(done, pid)
	l.configure(goodConfig)
	l.run("systemctl", "restart", "callbox")
	l.connected()
}

// upgradeEndsCall: how long the call may go on, and the socket, stand in the unit only.
func (l *life) upgradeEndsCall() {
	l.write("/etc/systemd/system/callbox.service.d/test.conf", "[Service]\nEnvironment=CALLBOX_CONTROL_SOCKET="+ownSocket+" CALLBOX_CALL_UPGRADE_WAIT=2s\n")
	l.run("systemctl", "daemon-reload")
	l.run("systemctl", "restart", "callbox")
	l.run("systemctl", "reload", "callbox")
	l.connected()
	l.phone.talk()
	pid := l.show("MainPID")
	started := time.Now()
	done := l.begin()
	l.phone.hears("ended aborted shutdown") // told, not lost
	if waited := time.Since(started); waited < 2*time.Second {
		l.t.Errorf("the call was ended after %v", waited)
	}
	l.wantUpgraded(done, pid)
	if out := l.run("callboxctl", "calls", "--json"); !strings.Contains(out, `"detail": "shutdown"`) {
		l.t.Errorf("the records are %s", out)
	}
	l.run("rm", "-r", "/etc/systemd/system/callbox.service.d")
	l.run("systemctl", "daemon-reload")
	l.run("systemctl", "restart", "callbox")
	l.connected()
}

// older: a state directory that a newer version has written is not touched, and the
// journal says how to go on.
func (l *life) older() {
	l.run("systemctl", "stop", "callbox")
	good := first(l.try("cat", "/var/lib/callbox/contacts.json"))
	newer := regexp.MustCompile(`"version": ?\d+`).ReplaceAllString(good, `"version": 99`)
	if newer == good {
		l.t.Fatalf("contacts.json has no version: %s", good)
	}
	path := filepath.Join(l.root, "/var/lib/callbox/contacts.json")
	if err := os.WriteFile(path, []byte(newer), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.fails("systemctl", "start", "callbox")
	l.untilShow("ActiveState", "failed")
	if got := l.show("ExecMainStatus") + " " + l.show("NRestarts"); got != "78 0" {
		l.t.Errorf("exit code and restarts are %s", got)
	}
	l.untilJournal("install that version of callbox again, or put back the copy of the state directory from before the upgrade")
	if got := first(l.try("cat", "/var/lib/callbox/contacts.json")); got != newer {
		l.t.Error("the file was touched")
	}
	if err := os.WriteFile(path, []byte(good), 0o600); err != nil {
		l.t.Fatal(err)
	}
	l.run("systemctl", "start", "callbox")
	l.connected()
}

func (l *life) stop() {
	l.run("systemctl", "stop", "callbox")
	if got := l.show("ActiveState") + " " + l.show("Result") + " " + l.show("ExecMainStatus"); got != "inactive success 0" {
		l.t.Errorf("after stop it is %s", got)
	}
	if l.exists("/run/callbox/control.sock") {
		l.t.Error("the socket is left")
	}
	if code, out := l.fails("callboxctl", "status"); code != 3 || !strings.Contains(out, "systemctl status callbox") {
		l.t.Errorf("callboxctl says (%d)\n%s", code, out)
	}
	if code, out := l.fails("callboxctl", "doctor"); code != 6 || !strings.Contains(out, "callboxd does not run") || !strings.Contains(out, "a virtual microphone stands in") {
		l.t.Errorf("doctor says of a daemon that does not run (%d)\n%s", code, out)
	}
	l.run("systemctl", "disable", "callbox")
	if out, err := l.apt(l.newer()); err != nil {
		l.t.Fatalf("%v\n%s", err, out)
	}
	if got := l.show("UnitFileState") + " " + l.show("ActiveState"); got != "disabled inactive" {
		l.t.Errorf("an upgrade has made it %s", got)
	}
	l.run("systemctl", "enable", "--now", "callbox")
}

func (l *life) remove() {
	l.run("apt-get", "-y", "remove", "callbox")
	if _, err := l.try("systemctl", "is-active", "callbox"); err == nil {
		l.t.Error("it runs on")
	}
	for _, path := range []string{"/etc/callbox/callbox.yaml", "/var/lib/callbox/contacts.json"} {
		if !l.exists(path) {
			l.t.Errorf("%s is gone", path)
		}
	}
	if l.exists("/usr/bin/callboxd") {
		l.t.Error("the daemon is still there")
	}
}

func (l *life) again() {
	if out, err := l.apt(l.deb); err != nil {
		l.t.Fatalf("%v\n%s", err, out)
	}
	l.untilShow("ActiveState", "active")
	if got := l.thumbprint(); got != l.jkt {
		l.t.Errorf("the device is another: %s, not %s", got, l.jkt)
	}
	if out := l.run("callboxctl", "contacts"); !strings.Contains(out, "Anna") {
		l.t.Errorf("the contacts are %s", out)
	}
	if out := l.run("callboxctl", "calls", "--json"); !strings.Contains(out, l.phone.room) {
		l.t.Errorf("the records are %s", out)
	}
	l.connected() // the phone needs no new pairing
}

// purge: nothing is left, of what the guides put beside the configuration neither.
func (l *life) purge() {
	l.write("/etc/callbox/maker.jwks.json", `{"keys": []}`)
	l.run("apt-get", "-y", "purge", "callbox")
	for _, path := range []string{"/etc/callbox", "/var/lib/callbox", "/usr/share/callbox", "/usr/share/doc/callbox"} {
		if l.exists(path) {
			l.t.Errorf("%s is left: %s", path, first(l.try("find", path)))
		}
	}
	if out := l.run("dpkg", "-l"); strings.Contains(out, "callbox") {
		l.t.Errorf("dpkg still knows it: %s", out)
	}
	if out, err := l.apt(l.deb); err != nil {
		l.t.Fatalf("%v\n%s", err, out)
	}
	l.untilShow("ActiveState", "active")
	if l.thumbprint() == l.jkt {
		l.t.Error("the key has survived a purge")
	}
	// A system that keeps its state on another file system.
	l.run("systemctl", "stop", "callbox")
	l.run("mount", "-t", "tmpfs", "none", "/var/lib/callbox")
	l.write("/var/lib/callbox/key", "")
	l.run("apt-get", "-y", "purge", "callbox")
	if left := l.run("find", "/var/lib/callbox", "-mindepth", "1"); left != "" {
		l.t.Errorf("of a mounted state directory is left: %s", left)
	}
	if out := l.run("dpkg", "-l"); strings.Contains(out, "callbox") {
		l.t.Errorf("dpkg still knows it: %s", out)
	}
	l.run("umount", "/var/lib/callbox")
}
