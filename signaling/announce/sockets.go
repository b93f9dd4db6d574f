package announce

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

var (
	group4 = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 251), Port: port}
	group6 = &net.UDPAddr{IP: net.ParseIP("ff02::fb"), Port: port}
)

// packet is what came in.
type packet struct {
	data      []byte
	from      netip.AddrPort
	ifc       int // index of the interface
	multicast bool
}

// family is a socket of one family, which serves all interfaces.
type family interface {
	join(*net.Interface) error
	// read fills p. It returns net.ErrClosed after close.
	read(p []byte) (packet, error)
	// send sends to the group, or to one address.
	send(p []byte, ifc int, to *net.UDPAddr) error
	group() *net.UDPAddr
	close() error
}

// openFamilies opens what the kernel has of IPv4 and IPv6.
func openFamilies() ([]family, error) {
	var list []family
	c4, err4 := listen4()
	if err4 == nil {
		list = append(list, c4)
	}
	c6, err6 := listen6()
	if err6 == nil {
		list = append(list, c6)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("cannot open a socket for multicast DNS: %w", errors.Join(err4, err6))
	}
	return list, nil
}

// listen opens a socket that shares its port, and so works beside another responder.
func listen(domain int, at unix.Sockaddr) (net.PacketConn, error) {
	fd, err := unix.Socket(domain, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return nil, fmt.Errorf("cannot open a socket: %w", err)
	}
	f := os.NewFile(uintptr(fd), "mdns")
	defer f.Close()
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err == nil && domain == unix.AF_INET6 {
		err = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	if err == nil {
		err = unix.Bind(fd, at)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot bind to port %d: %w", port, err)
	}
	return net.FilePacketConn(f)
}

type socket4 struct{ *ipv4.PacketConn }

// listen4 binds to the group, which the net package does not: another responder on
// this machine keeps its unicast packets.
func listen4() (socket4, error) {
	c, err := listen(unix.AF_INET, &unix.SockaddrInet4{Port: port, Addr: [4]byte(group4.IP.To4())})
	if err != nil {
		return socket4{}, err
	}
	p := ipv4.NewPacketConn(c)
	err = errors.Join(p.SetControlMessage(ipv4.FlagInterface|ipv4.FlagDst, true), p.SetMulticastTTL(hops), p.SetTTL(hops), p.SetMulticastLoopback(true))
	if err != nil {
		return socket4{}, errors.Join(err, c.Close())
	}
	return socket4{p}, nil
}

func (s socket4) join(i *net.Interface) error { return s.JoinGroup(i, group4) }
func (s socket4) group() *net.UDPAddr         { return group4 }
func (s socket4) close() error                { return s.Close() }

func (s socket4) read(p []byte) (packet, error) {
	n, cm, from, err := s.ReadFrom(p)
	if err != nil || cm == nil {
		return packet{}, err
	}
	return packet{p[:n], addrPort(from), cm.IfIndex, cm.Dst.Equal(group4.IP)}, nil
}

func (s socket4) send(p []byte, ifc int, to *net.UDPAddr) error {
	_, err := s.WriteTo(p, &ipv4.ControlMessage{IfIndex: ifc}, to)
	return err
}

type socket6 struct{ *ipv6.PacketConn }

// listen6 cannot bind to the group: the kernel wants an interface with it.
func listen6() (socket6, error) {
	c, err := listen(unix.AF_INET6, &unix.SockaddrInet6{Port: port})
	if err != nil {
		return socket6{}, err
	}
	p := ipv6.NewPacketConn(c)
	err = errors.Join(p.SetControlMessage(ipv6.FlagInterface|ipv6.FlagDst, true), p.SetMulticastHopLimit(hops), p.SetHopLimit(hops), p.SetMulticastLoopback(true))
	if err != nil {
		return socket6{}, errors.Join(err, c.Close())
	}
	return socket6{p}, nil
}

func (s socket6) join(i *net.Interface) error { return s.JoinGroup(i, group6) }
func (s socket6) group() *net.UDPAddr         { return group6 }
func (s socket6) close() error                { return s.Close() }

func (s socket6) read(p []byte) (packet, error) {
	n, cm, from, err := s.ReadFrom(p)
	if err != nil || cm == nil {
		return packet{}, err
	}
	return packet{p[:n], addrPort(from), cm.IfIndex, cm.Dst.Equal(group6.IP)}, nil
}

func (s socket6) send(p []byte, ifc int, to *net.UDPAddr) error {
	_, err := s.WriteTo(p, &ipv6.ControlMessage{IfIndex: ifc}, to)
	return err
}

func addrPort(a net.Addr) netip.AddrPort {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return u.AddrPort()
}
