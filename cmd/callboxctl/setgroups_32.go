//go:build arm || 386

package main

import "golang.org/x/sys/unix"

// sysSetgroups takes groups of 32 bits; that without the number takes 16.
const sysSetgroups = unix.SYS_SETGROUPS32
