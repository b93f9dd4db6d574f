//go:build !arm && !386

package main

import "golang.org/x/sys/unix"

const sysSetgroups = unix.SYS_SETGROUPS
