// Package packaged tests the Debian package in a real systemd: installed, configured,
// upgraded in a call, removed. It needs root and the tag packaged; make test-package
// builds what it needs.
package packaged
