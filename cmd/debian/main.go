// Command debian makes what the Debian package holds beside the programs: its source
// tree, the manual pages of the daemon and of the configuration, the copyright file and
// the bill of materials. packaging/debian/rules and packaging/make-deb call it; it is
// not in the package.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"callbox/cmd/callboxd/command"
	"callbox/daemon/config/reference"
	"callbox/daemon/manual"
)

func main() {
	if err := newRoot().Execute(); err != nil {
		log.Fatalf("debian: %v", err)
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{Use: "debian", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(newTree(), newManual(), newDocs(), newCopyright(), newSBOM())
	return root
}

func newManual() *cobra.Command {
	return &cobra.Command{
		Use:   "manual DIRECTORY VERSION SECONDS",
		Short: "write callboxd.8 and callbox.yaml.5; SECONDS since 1970 are the pages' date",
		Args:  cobra.ExactArgs(3),
		RunE: func(_ *cobra.Command, args []string) error {
			at, err := epoch(args[2])
			if err != nil {
				return err
			}
			r, err := reference.Read(".")
			if err != nil {
				return err
			}
			date, version := at.Format(time.DateOnly), args[1]
			pages := map[string]string{"callbox.yaml.5": r.Manual(date, version)}
			daemon := manual.Commands(command.New(nil, nil), manual.Options{
				Section: 8, Date: date, Version: version, Also: []string{"callboxctl(1)", "callbox.yaml(5)"}, Root: daemonPage,
			})
			for name, page := range daemon {
				pages[name] = page
			}
			return manual.Write(args[0], pages)
		},
	}
}

// daemonPage is what only the page of callboxd itself tells.
func daemonPage(p *manual.Page) {
	p.Section("Exit status")
	p.Item("0", "Stopped.")
	p.Item("1", "Failed, or a secret or certificate that the configuration names is not there; the journal says why. systemd starts it again.")
	p.Item("2", "Wrong usage.")
	p.Item("78", "The configuration cannot be read or has mistakes, or a newer callbox has written the state directory. systemd does not start it again.")
	p.Section("Signals")
	p.Item("SIGTERM, SIGINT", "End the running call, tell the phone so, and stop.")
	p.Item("SIGHUP", "Read the configuration again. One with mistakes changes nothing.")
	p.Section("Environment")
	p.Item("CALLBOX_SECTION_KEY", "Wins over the file for every key of the configuration: callbox.yaml(5) names the variable of each.")
	p.Item("STATE_DIRECTORY", "The state directory, where device.state_dir says nothing. systemd sets it.")
	p.Item("RUNTIME_DIRECTORY", "Where a link to the control socket is made when control.socket is elsewhere. systemd sets it.")
	p.Item("CREDENTIALS_DIRECTORY", "Where secrets are that the configuration names without a path. systemd sets it.")
	p.Section("Files")
	p.Item("/etc/callbox/callbox.yaml", "The configuration.")
	p.Item("/var/lib/callbox", "The device's key, the contacts and the call records.")
	p.Item("/run/callbox/control.sock", "The control socket.")
	p.Section("The journal")
	p.Text("Under systemd every entry has the fields CODE_FILE, CODE_LINE and CODE_FUNC, and those of its subject, so that they can be asked for:")
	p.Verbatim("journalctl -u callbox CALL_ROOM_ID=kR3v9\njournalctl -u callbox CALL_CAUSE=timeLimit\njournalctl -u callbox CALL_PEER=Anna")
}

// output opens the file to write to, which is made anew.
func output(path string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // of a package, for everybody
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // as above
		return fmt.Errorf("cannot write %s: %w", path, err)
	}
	return nil
}
