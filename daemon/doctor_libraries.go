package daemon

import (
	"path/filepath"
	"slices"
	"strings"

	"callbox/daemon/control"
)

// doctorLibraries says which libraries were renewed while the daemon ran, which goes on
// with the old ones: text is /proc/self/maps (proc_pid_maps(5)). Nothing: no finding.
func doctorLibraries(text string) []control.Finding {
	var old []string
	for line := range strings.Lines(text) {
		file, deleted := strings.CutSuffix(strings.TrimSpace(line), " (deleted)")
		i := strings.IndexByte(file, '/')
		if !deleted || i < 0 || !strings.Contains(filepath.Base(file[i:]), ".so") {
			continue
		}
		if name := filepath.Base(file[i:]); !slices.Contains(old, name) {
			old = append(old, name)
		}
	}
	if len(old) == 0 {
		return nil
	}
	return []control.Finding{{
		Name: "libraries", State: control.StateWarning, Message: "renewed since the daemon was started, which still has the old ones: " + strings.Join(old, ", "),
		Remedy: "callboxctl idle && systemctl restart callbox",
	}}
}
