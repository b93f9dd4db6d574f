package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"callbox/daemon/control"
)

// daemonProgram holds what this program is not linked with: the phone of selftest and the
// drivers. So it stays small (docs/decisions/0023-selftest.md).
const daemonProgram = "callboxd"

// lookPatience is how long looking at devices may take.
const lookPatience = 20 * time.Second

// findProgram looks for it beside this program, then in PATH.
func findProgram() (string, error) {
	if own, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(own), daemonProgram)
		if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() {
			return beside, nil
		}
	}
	found, err := exec.LookPath(daemonProgram)
	if err != nil {
		return "", fmt.Errorf("cannot find %s: %w", daemonProgram, err)
	}
	return found, nil
}

// lookAtDevices says which devices a daemon that does not run would choose with the
// configuration file ("": the default one): the program of the daemon looks, for root with
// the rights of the daemon's user.
func lookAtDevices(ctx context.Context, file string) []control.Finding {
	program, err := findProgram()
	if err != nil {
		return blind(err.Error(), "install the package callbox")
	}
	args := []string{"devices"}
	if file != "" {
		args = append(args, "--config", file)
	}
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: daemonsRights(), Setsid: true} // root's terminal is none of its business
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	var findings []control.Finding
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &findings)
	}
	if err != nil {
		return blind(strings.TrimSpace(fmt.Sprintf("%s devices: %v: %s", program, err, errs.String())), "may the user callbox read the configuration?")
	}
	for i, f := range findings {
		if f.State == control.StateOK {
			findings[i].Message += " would be chosen"
		}
	}
	return findings
}

// blind is what is said when nobody could look.
func blind(why, remedy string) []control.Finding {
	return []control.Finding{{Name: "devices", State: control.StateWarning, Message: "cannot look at camera and sound: " + why, Remedy: remedy}}
}
