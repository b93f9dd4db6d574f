package main

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"callbox/daemon/config"
)

// daemonUser is whose rights to devices and files count.
const daemonUser = "callbox"

// daemonsRights are those of the daemon's user, nil where there is none or only root
// could take them.
func daemonsRights() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	u, err := user.Lookup(daemonUser)
	if err != nil {
		return nil
	}
	ids, err := u.GroupIds()
	if err != nil {
		return nil
	}
	number := func(text string) uint32 {
		n, errID := strconv.ParseUint(text, 10, 32)
		if errID != nil {
			err = errID
		}
		return uint32(n)
	}
	c := &syscall.Credential{Uid: number(u.Uid), Gid: number(u.Gid)}
	for _, id := range ids {
		c.Groups = append(c.Groups, number(id))
	}
	if err != nil {
		return nil
	}
	return c
}

// daemonsReader opens files as the daemon can, where root asks. Root itself could open
// everything, and would find nothing.
func daemonsReader() config.Reader {
	c := daemonsRights()
	if c == nil {
		return config.Reader{}
	}
	return config.Reader{User: daemonUser, Do: func(f func()) { withRights(c, f) }}
}

// withRights calls f on a thread whose file-system user and groups are those of c
// (credentials(7)), without root's capabilities over files (capabilities(7), "Effect of
// user ID changes"). The thread ends with f. Where the kernel does not let it change, f
// is called with the rights that there are.
func withRights(c *syscall.Credential, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread is of no use to others
		groups := append([]uint32{c.Gid}, c.Groups...)
		// Of this thread only; syscall.Setgroups would change all.
		_, _, errno := unix.RawSyscall(sysSetgroups, uintptr(len(groups)), uintptr(unsafe.Pointer(&groups[0])), 0)
		if errno == 0 {
			_, _ = unix.SetfsgidRetGid(int(c.Gid))
			_, _ = unix.SetfsuidRetUid(int(c.Uid))
		}
		f()
	}()
	<-done
}

// daemonOpens says whether the daemon can open the configuration itself, which it reads where
// it is installed; a draft elsewhere is only looked at.
func daemonOpens(file, daemons string, as config.Reader) (err error) {
	path, errPath := filepath.Abs(file)
	if as.Do == nil || errPath != nil || path != config.DefaultFile && path != daemons {
		return nil
	}
	as.Do(func() {
		f, errOpen := os.Open(path)
		if errors.Is(errOpen, fs.ErrPermission) {
			err = config.Problems{{Source: path, Text: as.Denied(errOpen)}}
			return
		}
		if errOpen == nil {
			_ = f.Close() // nothing was written
		}
	})
	return err
}
