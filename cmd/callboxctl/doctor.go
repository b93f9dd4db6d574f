package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"callbox/daemon/config"
	"callbox/daemon/control"
	"callbox/daemon/control/client"
)

func newDoctor(a *app) *cobra.Command {
	file := ""
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say in plain words what is missing",
		Long: `Say in plain words what is missing, and what to do about it: the configuration, the daemon
and its socket, and then what the daemon itself has looked at. Where none runs it says why
none could start, and which camera, microphone, speaker and display one would choose. Exit
code 6 when there is a problem; a warning is none.`,
		Example: "  callboxctl doctor\n  callboxctl doctor --json | jq '.[] | select(.state == \"problem\")'",
		Args:    none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			usual := a.usualSocket()
			cfg, findings := lookAtConfig(file, a.configFile(cmd.Context()))
			findings = append(findings, a.lookAtDaemon(cmd.Context(), cfg, file, usual)...)
			err := a.show(findings, func(w io.Writer) { printFindings(w, findings, widthOf(a.out)) })
			if err == nil && worst(findings) == control.StateProblem {
				return outcome(exitUnwell)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&file, "config", "", "the configuration `file` (default: that of the daemon, or "+config.DefaultFile+")")
	return cmd
}

// configFile is the file that the running daemon reads; "" when that is not known.
func (a *app) configFile(ctx context.Context) string {
	status, err := a.client().Status(ctx)
	if err != nil {
		return ""
	}
	return status.ConfigFile
}

// lookAtConfig reads the configuration with the code that the daemon starts with:
// the named file, else that of the daemon, else the default one. One that cannot be used
// is nil. Of one that a daemon runs with, nothing is doubted.
func lookAtConfig(file, daemons string) (*config.Config, []control.Finding) {
	f := control.Finding{Name: "configuration", State: control.StateOK}
	shown := cmp.Or(file, daemons, config.DefaultFile)
	if file = shown; file == config.DefaultFile {
		file = "" // it may be missing
	}
	as := daemonsReader()
	cfg, doubts, err := config.Check(file, as)
	if err == nil {
		err = daemonOpens(shown, daemons, as)
	}
	var problems config.Problems
	switch {
	case errors.As(err, &problems):
		f.State, f.Message = control.StateProblem, fmt.Sprintf("%s has %s: %s", shown, count(len(problems), "mistake"), problems[0])
		f.Remedy = "callboxctl check " + shown
	case errors.Is(err, fs.ErrPermission):
		f.State, f.Message, f.Remedy = control.StateWarning, err.Error(), "look again as root: sudo callboxctl doctor"
	case errors.Is(err, fs.ErrNotExist):
		f.State, f.Message, f.Remedy = control.StateProblem, err.Error(), "bring it back, or name the one that is meant: callboxctl doctor --config FILE"
	case err != nil:
		f.State, f.Message, f.Remedy = control.StateProblem, err.Error(), "put a file of YAML there that can be read, or name another one: callboxctl doctor --config FILE"
	default:
		f.Message = shown + " is in order"
		if _, err := os.Stat(shown); errors.Is(err, fs.ErrNotExist) {
			f.Message = "there is no " + shown + ": the defaults count"
		}
	}
	if path, err := filepath.Abs(shown); daemons != "" && (err != nil || path != daemons) {
		f.Message += "; the daemon reads " + daemons
	} else if daemons != "" {
		return cfg, []control.Finding{f}
	}
	findings := []control.Finding{f}
	for _, d := range doubts {
		findings = append(findings, control.Finding{Name: f.Name, State: control.StateWarning, Message: d.String()})
	}
	return cfg, append(findings, missingCredentials(cfg)...)
}

// lookAtDaemon asks the daemon, or finds out why it does not answer.
func (a *app) lookAtDaemon(ctx context.Context, cfg *config.Config, file string, usual bool) []control.Finding {
	f := control.Finding{Name: "daemon", State: control.StateOK}
	v, err := a.client().Version(ctx)
	if err != nil {
		f.State, f.Message, f.Remedy = control.StateProblem, a.whyNot(err), remedyFor(err)
		if usual && errors.Is(err, client.ErrUnreachable) && !errors.Is(err, fs.ErrPermission) {
			if u := askSystemd(ctx); u != nil {
				f.Message, f.Remedy = u.why(a.at())
			}
		}
		findings := []control.Finding{f}
		if cfg != nil && errors.Is(err, client.ErrUnreachable) && !errors.Is(err, fs.ErrPermission) {
			findings = append(findings, lookAtPort(ctx, cfg)...)
			findings = append(findings, lookAtDevices(ctx, file)...)
		}
		return findings
	}
	f.Message = "callboxd " + v.Version + " answers at " + a.at()
	if own := control.ThisVersion(); own.Version != v.Version {
		f.State = control.StateWarning
		f.Message += ", and this command is " + own.Version
		f.Remedy = "systemctl restart callbox"
	}
	found, err := a.client().Doctor(ctx)
	if err != nil {
		return []control.Finding{f, {Name: "doctor", State: control.StateWarning, Message: "the daemon cannot look at itself: " + err.Error(), Remedy: "journalctl -u callbox"}}
	}
	return append([]control.Finding{f}, found...)
}

// lookAtPort says when another program has the port on which a daemon that does not run
// would listen.
func lookAtPort(ctx context.Context, cfg *config.Config) []control.Finding {
	if !cfg.Signaling.Direct.Enabled {
		return nil
	}
	address := cfg.Signaling.Direct.Listen
	var findings []control.Finding
	if port, first := config.PrivilegedPort(address); port > 0 { // root could have it
		findings = append(findings, control.Finding{
			Name: "port", State: control.StateWarning, Message: fmt.Sprintf("ports below %d are not for everybody, and the daemon's is %d", first, port),
			Remedy: fmt.Sprintf("set signaling.direct.listen to a port from %d on, unless the unit was given CAP_NET_BIND_SERVICE", first),
		})
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err == nil {
		_ = l.Close() // nothing was accepted
		return findings
	}
	if len(findings) > 0 && errors.Is(err, fs.ErrPermission) {
		return findings // who asks may not, which says nothing of the daemon
	}
	f := control.Finding{Name: "port", State: control.StateProblem, Message: fmt.Sprintf("the daemon could not listen on %s: %v", address, err), Remedy: "correct signaling.direct.listen"}
	_, port, _ := net.SplitHostPort(address) // the loader has seen that it is one
	if errors.Is(err, syscall.EADDRINUSE) {
		f.Message = fmt.Sprintf("another program has the port %s: the daemon cannot start", port)
		f.Remedy = fmt.Sprintf("sudo ss -ltnp 'sport = :%s' (package iproute2) says which; end it, or set signaling.direct.listen to another port", port)
	}
	return append(findings, f)
}

// whyNot says why nobody answers on the socket.
func (a *app) whyNot(err error) string {
	switch info, statErr := os.Stat(a.at()); {
	case errors.Is(err, fs.ErrPermission) || errors.Is(statErr, fs.ErrPermission):
		return "you may not use " + a.at() + ": it is for root and its group"
	case errors.Is(statErr, fs.ErrNotExist):
		return "callboxd does not run, or has another socket: there is no " + a.at()
	case statErr == nil && info.Mode()&fs.ModeSocket == 0:
		return a.at() + " is no socket"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "callboxd does not run: nobody answers on " + a.at() + ", which an earlier one has left"
	}
	return err.Error()
}

func remedyFor(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "sudo usermod -aG callbox $USER, then log in anew; or use sudo"
	case errors.Is(err, client.ErrUnreachable):
		return "systemctl status callbox; journalctl -u callbox -n 50; or name its socket: --socket PATH, CALLBOX_CONTROL_SOCKET"
	}
	return "journalctl -u callbox -n 50"
}

// worst is ok, warning or problem.
func worst(findings []control.Finding) string {
	state := control.StateOK
	for _, f := range findings {
		if f.State == control.StateProblem || f.State == control.StateWarning && state == control.StateOK {
			state = f.State
		}
	}
	return state
}

var stateColours = map[string]rune{
	control.StateOK: green, control.StateWarning: yellow, control.StateProblem: red, control.StateOff: dim,
}

// printFindings writes for a terminal of so many columns, 0 for none.
func printFindings(w io.Writer, findings []control.Finding, width int) {
	longest := 0
	for _, f := range findings {
		longest = max(longest, columns(f.Name))
	}
	for _, f := range findings {
		mark, ok := stateColours[f.State]
		if !ok {
			mark = plain
		}
		fmt.Fprintf(w, "%s  %s  %s\n", paint(mark, pad(oneLine(f.State), 7)), pad(oneLine(f.Name), longest), wrap(oneLine(f.Message), 11+longest, width))
		if f.Remedy != "" && f.State != control.StateOK {
			fmt.Fprintf(w, "%s  → %s\n", pad("", 9+longest), wrap(oneLine(f.Remedy), 13+longest, width))
		}
	}
	switch worst(findings) {
	case control.StateOK:
		fmt.Fprintln(w, "\nAll is well.")
	case control.StateWarning:
		fmt.Fprintln(w, "\nIt works, with the drawbacks above.")
	case control.StateProblem:
		fmt.Fprintln(w, "\nSomething is missing: see above.")
	}
}
