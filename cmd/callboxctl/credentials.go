package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"callbox/daemon/config"
	"callbox/daemon/control"
)

// credentialStores are where systemd looks for the credentials of LoadCredentialEncrypted=
// without a path (systemd.exec(5)).
var credentialStores = []string{
	"/etc/credstore", "/run/credstore", "/usr/lib/credstore", "/usr/local/lib/credstore",
	"/etc/credstore.encrypted", "/run/credstore.encrypted", "/usr/lib/credstore.encrypted", "/usr/local/lib/credstore.encrypted",
	"/run/credentials/@system", "/run/credentials/@encrypted",
}

// missingCredentials are those that the configuration names and that are in none of
// systemd's stores. Who may not look into one says nothing.
func missingCredentials(cfg *config.Config) (missing []control.Finding) {
	if cfg == nil {
		return nil
	}
	names := cfg.Credentials()
	for _, key := range slices.Sorted(maps.Keys(names)) {
		if stored(names[key]) {
			continue
		}
		missing = append(missing, control.Finding{
			Name: "credential", State: control.StateWarning, Message: fmt.Sprintf("%s names %s, which is in none of systemd's stores", key, names[key]),
			Remedy: "unless a drop-in says where it is: " + control.Guide("operations.md") + ", Secrets, says how to make it; then systemctl restart callbox",
		})
	}
	return missing
}

// stored is true, too, where it cannot be known.
func stored(name string) bool {
	for _, dir := range credentialStores {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil || !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}
