// Package systemd holds the unit of the daemon, and tests of it.
package systemd
