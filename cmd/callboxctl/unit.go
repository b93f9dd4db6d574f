package main

import (
	"cmp"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"callbox/daemon/config"
)

// unitName is the daemon's unit in the package.
const unitName = "callbox.service"

// unitPatience is how long systemd and the journal are waited for.
const unitPatience = 5 * time.Second

// unit is what systemd knows of the daemon's unit: properties of org.freedesktop.systemd1(5),
// and the last thing that went wrong in the newest run, "" for nothing.
type unit struct {
	properties map[string]string
	lastError  string
}

// askSystemd returns nil where there is no systemd, or no such unit.
func askSystemd(ctx context.Context) *unit {
	ctx, cancel := context.WithTimeout(ctx, unitPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", "show", unitName,
		"--property=LoadState,ActiveState,UnitFileState,Result,ExecMainCode,ExecMainStatus,NRestarts,InvocationID").Output()
	if err != nil {
		return nil
	}
	u := &unit{properties: map[string]string{}}
	for line := range strings.Lines(string(out)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			u.properties[name] = value
		}
	}
	if u.properties["LoadState"] != "loaded" && u.properties["LoadState"] != "masked" {
		return nil
	}
	if id := u.properties["InvocationID"]; id != "" {
		// What the daemon said, and what systemd said of it.
		out, err := exec.CommandContext(ctx, "journalctl", "--no-pager", "--quiet", "--output=cat", "--priority=err", "--lines=8",
			"_SYSTEMD_INVOCATION_ID="+id, "+", "INVOCATION_ID="+id).Output()
		if err == nil {
			u.lastError = lastWords(string(out))
		}
	}
	return u
}

// lastWords is the last line that says why: of "Failed to start callbox.service" everybody
// knows, and the name of the unit before the text is that of all of them.
func lastWords(log string) (last string) {
	for line := range strings.Lines(log) {
		line = strings.TrimPrefix(strings.TrimSpace(line), unitName+": ")
		if line != "" && !strings.HasPrefix(line, "Failed to start") {
			last = line
		}
	}
	return last
}

// ends are the exit codes that mean more than that it failed; those from 200 on are
// systemd's own (systemd.exec(5), "Process Exit Codes").
var ends = map[string]struct{ message, remedy string }{
	"78":  {"it refused to start (exit 78), and is not started again", "mend what it says; callboxctl check sees most of it; then systemctl restart callbox"},
	"203": {"systemd could not execute /usr/bin/callboxd", "apt-get install --reinstall callbox"},
	"217": {"its user callbox is not there", "systemd-sysusers, then systemctl restart callbox"},
	"226": {"systemd could not set up what it may see: a folder that a drop-in names may be missing", "systemctl cat callbox shows ReadWritePaths= and its like; make the folder, then systemctl restart callbox"},
	"238": {"systemd could not set up its state directory", "whose is /var/lib/callbox? then systemctl restart callbox"},
	"243": {"systemd could not hand it a secret", "make the secret anew on this device with systemd-creds encrypt, then systemctl restart callbox"},
}

// why says in plain words why the unit's daemon does not answer at a socket, and what
// to do about it.
func (u *unit) why(at string) (message, remedy string) {
	p := u.properties
	journal := "journalctl -u callbox -n 50"
	switch {
	case p["LoadState"] == "masked":
		return "callboxd does not run: its unit is masked", "systemctl unmask callbox, then systemctl enable --now callbox"
	case p["ActiveState"] == "active":
		return "callboxd runs, and nobody answers at " + at + ": has it another socket?", "systemctl cat callbox and callboxctl check show its configuration; --socket PATH names the socket"
	case p["ActiveState"] == "deactivating" || p["ActiveState"] == "reloading":
		return "callboxd is being stopped, or reads its configuration", "look again in a moment"
	case p["ActiveState"] == "inactive" && p["Result"] == "success" && p["UnitFileState"] == "disabled":
		return "callboxd does not run: nothing starts it", "systemctl enable --now callbox"
	case p["ActiveState"] == "inactive" && p["Result"] == "success":
		return "callboxd does not run: it was stopped", "systemctl start callbox"
	case p["ActiveState"] == "activating" && p["Result"] == "success" && p["NRestarts"] == "0":
		return "callboxd is being started", "look again in a moment"
	}
	switch {
	case p["Result"] == "watchdog":
		message, remedy = "it had hung, and systemd ended it", journal+"; please report it"
	case p["Result"] == "oom-kill":
		message, remedy = "the kernel ended it: there was no memory left", "free shows what there is; hal.camera.size and media.video_bitrate make calls smaller"
	case p["ExecMainCode"] == "2" || p["ExecMainCode"] == "3": // CLD_KILLED, CLD_DUMPED: siginfo of wait(2)
		message, remedy = "signal "+p["ExecMainStatus"]+" ended it", journal+"; please report it"
	default:
		end := ends[p["ExecMainStatus"]]
		message = cmp.Or(end.message, fmt.Sprintf("it failed (%s, exit %s)", p["Result"], p["ExecMainStatus"]))
		remedy = cmp.Or(end.remedy, journal)
	}
	message = "callboxd does not run: " + message
	if n := p["NRestarts"]; n != "" && n != "0" && p["ExecMainStatus"] != fmt.Sprint(config.ExitCode) {
		message += ", and was started again " + n + " times"
	}
	if u.lastError != "" {
		message += ": " + u.lastError
	}
	return message, remedy
}
