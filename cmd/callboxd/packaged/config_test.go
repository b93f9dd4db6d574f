//go:build packaged

package packaged

import "strings"

const goodConfig = `device: {name: Front door}
signaling: {direct: {listen: "127.0.0.1:8443"}}
media: {ice: {loopback: true}}
hal: {camera: {name: none}}
`

func (l *life) configure(text string) { l.write("/etc/callbox/callbox.yaml", text) }

func (l *life) reload() {
	pid := l.show("MainPID")
	l.configure(goodConfig)
	l.run("systemctl", "restart", "callbox")
	if pid == l.show("MainPID") {
		l.t.Error("restart has not restarted it")
	}
	pid = l.show("MainPID")
	l.configure(goodConfig + "log: {level: debug}\n")
	l.run("systemctl", "reload", "callbox")
	l.untilJournal("configuration read again")
	l.configure("call:\n  anser: auto\nlog: {level: loud}\n")
	if code, _ := l.fails("systemctl", "reload", "callbox"); code == 0 {
		l.t.Error("a configuration with mistakes is taken")
	}
	l.untilJournal(`did you mean \"answer\"`)
	if l.show("ActiveState") != "active" || l.show("MainPID") != pid || l.show("SubState") != "running" {
		l.t.Errorf("after a refused reload it is %s, %s, process %s and not %s", l.show("ActiveState"), l.show("SubState"), l.show("MainPID"), pid)
	}
	l.run("callboxctl", "status")
}

func (l *life) badConfig() {
	l.fails("systemctl", "restart", "callbox")
	for property, want := range map[string]string{"ActiveState": "failed", "ExecMainStatus": "78", "NRestarts": "0"} {
		l.untilShow(property, want)
	}
	l.untilJournal("callbox.yaml:2:3: call.anser: unknown key", "PRIORITY=3")
	l.untilJournal("callbox.yaml:3:14: log.level", "CALLBOX_KEY=log.level")
	if code, out := l.fails("callboxctl", "doctor"); code != 6 || !strings.Contains(out, "has 2 mistakes") {
		l.t.Errorf("doctor says (%d)\n%s", code, out)
	}
	// A file that it names may come, which nobody tells the daemon.
	l.configure(strings.Replace(goodConfig, "loopback: true", `loopback: true, turn_secret_file: /etc/callbox/turn-secret, servers: [{urls: ["turn:127.0.0.1:3478"]}]`, 1))
	l.fails("systemctl", "start", "callbox")
	l.untilJournal("cannot read the secret: open /etc/callbox/turn-secret", "CALLBOX_KEY=media.ice.turn_secret_file")
	l.write("/etc/callbox/turn-secret", "late")
	l.untilShow("ActiveState", "active")
	l.configure(goodConfig)
	l.run("systemctl", "restart", "callbox")
}
