package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Connections that may be open at once. What a program leaks must not lock the
// engineer out who comes to look: root and the daemon's user have some more.
const (
	maxConnections = 64
	reserved       = 8
)

// listen makes the socket.
func listen(path string) (*listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the folder of the control socket: %w; set control.socket", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on the control socket %s: %w; set control.socket", path, err)
	}
	if err := os.Chmod(path, 0o660); err != nil {
		l.Close()
		return nil, fmt.Errorf("cannot give the group access to the control socket: %w", err)
	}
	return &listener{Listener: l}, nil
}

// removeStale removes a socket on which nobody answers.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot look at the control socket: %w", err)
	}
	if info.Mode()&(fs.ModeSocket|fs.ModeSymlink) == 0 { // a link may be one of linkTo
		return fmt.Errorf("cannot use %s as the control socket: it is another kind of file; set control.socket", path)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var d net.Dialer
	if conn, err := d.DialContext(ctx, "unix", path); err == nil {
		conn.Close()
		return fmt.Errorf("cannot use the control socket %s: another callboxd answers on it; stop that one first", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the old control socket: %w", err)
	}
	return nil
}

// linkTo makes a link to the socket at path, in place of an older link.
func linkTo(path, link string) error {
	if link == "" || link == path {
		return nil
	}
	if info, err := os.Lstat(link); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		if err := os.Remove(link); err != nil {
			return fmt.Errorf("cannot remove the old link to the control socket: %w", err)
		}
	}
	if err := os.Symlink(path, link); err != nil {
		return fmt.Errorf("cannot make a link to the control socket: %w", err)
	}
	return nil
}

// giveToGroup lets the members of a group use the socket.
func giveToGroup(path, name string) error {
	if name == "" {
		return nil
	}
	group, err := user.LookupGroup(name)
	if err != nil {
		return fmt.Errorf("cannot give the control socket to the group %s: %w; make it with: groupadd --system %s", name, err, name)
	}
	gid, err := strconv.Atoi(group.Gid)
	if err != nil {
		return fmt.Errorf("cannot give the control socket to the group %s: its number is %q", name, group.Gid)
	}
	var now unix.Stat_t
	if err := unix.Stat(path, &now); err == nil && int(now.Gid) == gid {
		return nil
	}
	if err := os.Chown(path, -1, gid); err != nil {
		return fmt.Errorf("cannot give the control socket to the group %s: %w; run callboxd as root or as a member of it", name, err)
	}
	return nil
}

// listener accepts connections, asks the kernel who is there and turns away those
// that are too many.
type listener struct {
	net.Listener
	open atomic.Int64
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who, limit := credentials(c), int64(maxConnections)
		if who.trusted() {
			limit += reserved
		}
		if l.open.Add(1) <= limit {
			return &connection{Conn: c, peer: who, listener: l}, nil
		}
		l.open.Add(-1)
		turnAway(c)
	}
}

// turnAway says in a whole answer that there are too many connections. It fits
// into the socket's buffer, so that it does not block.
func turnAway(c net.Conn) {
	body := `{"error":{"code":"` + errTooMany.Code + `","message":"` + errTooMany.Message + `","remedy":"` + errTooMany.Remedy + `"}}` + "\n"
	_ = c.SetWriteDeadline(time.Now().Add(time.Second)) // a socket that cannot has no deadline: see above
	fmt.Fprintf(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
	c.Close()
}

// connection is one that is counted.
type connection struct {
	net.Conn
	peer     peer
	listener *listener
	closed   atomic.Bool
}

func (c *connection) Close() error {
	if !c.closed.Swap(true) {
		c.listener.open.Add(-1)
	}
	return c.Conn.Close()
}

// peer is who asks, as the kernel says (SO_PEERCRED).
type peer struct {
	uid, gid, pid int
	known         bool
}

// trusted reports whether it is root or the daemon's own user.
func (p peer) trusted() bool { return p.known && (p.uid == 0 || p.uid == os.Geteuid()) }

type peerKey struct{}

func withPeer(ctx context.Context, c net.Conn) context.Context {
	if c, ok := c.(*connection); ok {
		return context.WithValue(ctx, peerKey{}, c.peer)
	}
	return ctx
}

func peerOf(ctx context.Context) peer {
	p, _ := ctx.Value(peerKey{}).(peer)
	return p
}

func credentials(c net.Conn) peer {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return peer{}
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return peer{}
	}
	var p peer
	if err := raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			p = peer{uid: int(cred.Uid), gid: int(cred.Gid), pid: int(cred.Pid), known: true}
		}
	}); err != nil {
		return peer{}
	}
	return p
}
