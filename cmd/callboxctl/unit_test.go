package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWhyItDoesNotRun: what systemd and the journal know is said in plain words.
func TestWhyItDoesNotRun(t *testing.T) {
	const running = "LoadState=loaded\nUnitFileState=enabled\nInvocationID=0123\n"
	for name, tt := range map[string]struct {
		show, journal string
		message       string // "" for no unit
		remedy        string
	}{
		"no unit":           {"LoadState=not-found\nActiveState=inactive\n", "", "", ""},
		"masked":            {"LoadState=masked\nActiveState=inactive\n", "", "its unit is masked", "systemctl unmask callbox"},
		"stopped":           {running + "ActiveState=inactive\nResult=success\n", "", "callboxd does not run: it was stopped", "systemctl start callbox"},
		"disabled":          {"LoadState=loaded\nUnitFileState=disabled\nActiveState=inactive\nResult=success\n", "", "nothing starts it", "systemctl enable --now callbox"},
		"another socket":    {running + "ActiveState=active\nResult=success\n", "", "nobody answers at /run/x.sock: has it another socket?", "--socket"},
		"starts":            {running + "ActiveState=activating\nResult=success\nNRestarts=0\n", "", "is being started", "in a moment"},
		"stops":             {running + "ActiveState=deactivating\nResult=success\n", "", "is being stopped", "in a moment"},
		"bad environment":   {running + "ActiveState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=78\nNRestarts=0\n", "CALLBOX_LOG_LEVEL: log.level: \"loud\" is unknown\nFailed to start callbox.service - calls.\n", "it refused to start (exit 78), and is not started again: CALLBOX_LOG_LEVEL: log.level: \"loud\" is unknown", "callboxctl check"},
		"no credential":     {running + "ActiveState=activating\nResult=exit-code\nExecMainCode=1\nExecMainStatus=243\nNRestarts=7\n", "callbox.service: Failed to set up credentials: No such file or directory\n", "could not hand it a secret, and was started again 7 times: Failed to set up credentials", "systemd-creds encrypt"},
		"hung":              {running + "ActiveState=activating\nResult=watchdog\nExecMainCode=3\nExecMainStatus=6\nNRestarts=1\n", "", "it had hung, and systemd ended it", "journalctl"},
		"no memory":         {running + "ActiveState=activating\nResult=oom-kill\nExecMainCode=2\nExecMainStatus=9\n", "", "no memory left", "free"},
		"killed":            {running + "ActiveState=failed\nResult=signal\nExecMainCode=2\nExecMainStatus=11\n", "", "signal 11 ended it", "report"},
		"fails each time":   {running + "ActiveState=activating\nResult=exit-code\nExecMainCode=1\nExecMainStatus=1\nNRestarts=40\n", "callboxd has failed: cannot listen on :8443\n", "it failed (exit-code, exit 1), and was started again 40 times: callboxd has failed: cannot listen on :8443", "journalctl -u callbox"},
		"no such program":   {running + "ActiveState=activating\nResult=exit-code\nExecMainCode=1\nExecMainStatus=203\n", "", "could not execute /usr/bin/callboxd", "reinstall"},
		"no systemd at all": {"", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("PATH", dir)
			for program, text := range map[string]string{"systemctl": tt.show, "journalctl": tt.journal} {
				if tt.show == "" {
					continue
				}
				if err := os.WriteFile(filepath.Join(dir, program+".txt"), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				script := "#!/bin/sh\nwhile read -r line; do echo \"$line\"; done <\"$0.txt\"\n"
				if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			u := askSystemd(t.Context())
			if u == nil || tt.message == "" {
				if (u == nil) != (tt.message == "") {
					t.Errorf("askSystemd = %+v", u)
				}
				return
			}
			message, remedy := u.why("/run/x.sock")
			if !strings.Contains(message, tt.message) || !strings.Contains(remedy, tt.remedy) {
				t.Errorf("it says %q, do %q", message, remedy)
			}
		})
	}
}
