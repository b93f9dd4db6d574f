package daemon

import (
	"os"
	"path/filepath"
	"strings"

	"callbox/daemon/config"
)

// usualSocket is where programs look for the control socket: in the folder that systemd
// has made for the daemon, "" where it has made none. So the package, ExecReload and
// everybody else find a socket that the unit's environment or another file names.
func usualSocket() string {
	dir, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	if dir == "" {
		return ""
	}
	return filepath.Join(dir, filepath.Base(config.Default().Control.Socket))
}
