package main

import (
	"cmp"
	"errors"
	"io/fs"
	"os"

	"callbox/daemon/config"
)

// socketVariable names the daemon's control socket, for callboxctl as for the daemon.
const socketVariable = "CALLBOX_CONTROL_SOCKET"

// at is the control socket: the one that --socket or the environment names, else that
// of the configuration file.
func (a *app) at() string {
	if a.socket == "" {
		a.socket = cmp.Or(os.Getenv(socketVariable), socketOf(config.DefaultFile, config.Default().Control.Socket))
	}
	return a.socket
}

// usualSocket says that nobody has named a socket: it is that of the installed daemon. It
// must be asked before at.
func (a *app) usualSocket() bool { return a.socket == "" && os.Getenv(socketVariable) == "" }

// socketOf is where the daemon that reads the file listens. It is usual when the file
// cannot be used, and when only usual is there: the daemon has not been started again since
// control.socket was changed.
func socketOf(file, usual string) string {
	cfg, err := config.Load(file)
	if err != nil {
		return usual
	}
	_, own := os.Stat(cfg.Control.Socket)
	_, other := os.Stat(usual)
	if errors.Is(own, fs.ErrNotExist) && other == nil {
		return usual
	}
	return cfg.Control.Socket
}
