package announce

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/ipv4"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// namespaced marks the process that runs a test in a network of its own.
const namespaced = "CALLBOX_TEST_NAMESPACE"

// inNamespace runs test in a process with a network namespace of its own, in which
// there is one link, net0, with the address 192.0.2.1/24.
func inNamespace(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	if os.Getenv(namespaced) != "" {
		shell(t, "ip link set lo up", "ip link set lo multicast on",
			"ip link add net0 type veth peer name far0", "ip link set net0 up", "ip link set far0 up", "ip addr add 192.0.2.1/24 dev net0")
		test(t)
		return
	}
	for _, program := range []string{"unshare", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("cannot make a network of its own: %v; install it with .ci/setup test", err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", "--net", "ip", "link", "add", "net0", "type", "veth").CombinedOutput(); err != nil {
		t.Skipf("cannot make a network of its own: %v: %s; run it as root on a kernel with network namespaces and veth", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "--net", os.Args[0], "-test.run=^"+t.Name()+"$", "-test.count=1", "-test.timeout=60s", "-test.v")
	cmd.Env = append(os.Environ(), namespaced+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("in a network of its own: %v\n%s", err, out)
	}
}

// shell runs commands.
func shell(t *testing.T, commands ...string) {
	t.Helper()
	for _, c := range commands {
		words := strings.Fields(c)
		if out, err := exec.CommandContext(t.Context(), words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", c, err, out)
		}
	}
}

// ear is another host on the link: it hears what is sent to the group, and asks.
type ear struct {
	t      *testing.T
	socket socket4
	ifc    int

	mu    sync.Mutex
	heard []dnsmessage.Message
}

func newEar(t *testing.T, name string) *ear {
	t.Helper()
	i, err := net.InterfaceByName(name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := listen4()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.join(i); err != nil {
		t.Fatal(err)
	}
	e := &ear{t: t, socket: s, ifc: i.Index}
	var reader sync.WaitGroup
	reader.Go(e.read)
	t.Cleanup(func() { s.close(); reader.Wait() })
	return e
}

func (e *ear) read() {
	p := make([]byte, maxPacket)
	for {
		n, cm, from, err := e.socket.ReadFrom(p)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if err := m.Unpack(p[:n]); err != nil {
			e.t.Errorf("not DNS: %v", err)
			continue
		}
		if !m.Response || cm == nil || cm.IfIndex != e.ifc {
			continue
		}
		if from.(*net.UDPAddr).Port != port || m.ID != 0 || len(m.Questions) != 0 || !m.Authoritative {
			e.t.Errorf("an answer from %v with the header %+v and %d questions (RFC 6762, 6 and 18)", from, m.Header, len(m.Questions))
		}
		e.mu.Lock()
		e.heard = append(e.heard, m)
		e.mu.Unlock()
	}
}

// take returns what was heard since the last time.
func (e *ear) take() []dnsmessage.Message {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = nil
	return heard
}

// next waits for one packet.
func (e *ear) next(what string) dnsmessage.Message {
	e.t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		e.mu.Lock()
		if len(e.heard) > 0 {
			m := e.heard[0]
			e.heard = e.heard[1:]
			e.mu.Unlock()
			return m
		}
		e.mu.Unlock()
	}
	e.t.Fatalf("not heard within 5 s: %s", what)
	return dnsmessage.Message{}
}

// silence wants nothing to be heard for a while.
func (e *ear) silence(d time.Duration, why string) {
	e.t.Helper()
	time.Sleep(d)
	if heard := e.take(); len(heard) > 0 {
		e.t.Errorf("%s: heard %s", why, texts(heard[0].Answers))
	}
}

func question(t *testing.T, name string, kind dnsmessage.Type, known ...dnsmessage.Resource) dnsmessage.Message {
	t.Helper()
	return dnsmessage.Message{
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET}}, Answers: known,
	}
}

// ask asks all on the link.
func (e *ear) ask(name string, kind dnsmessage.Type, known ...dnsmessage.Resource) {
	e.t.Helper()
	m := question(e.t, name, kind, known...)
	p, err := m.Pack()
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.socket.WriteTo(p, &ipv4.ControlMessage{IfIndex: e.ifc}, group4); err != nil {
		e.t.Fatal(err)
	}
}

// texts writes records shortly: name TYPE ttl(+flush) value.
func texts(list []dnsmessage.Resource) string {
	var out []string
	for _, r := range list {
		flush := ""
		if r.Header.Class&flushBit != 0 {
			flush = "!"
		}
		value := ""
		switch b := r.Body.(type) {
		case *dnsmessage.PTRResource:
			value = b.PTR.String()
		case *dnsmessage.SRVResource:
			value = fmt.Sprintf("%s:%d", b.Target.String(), b.Port)
		case *dnsmessage.TXTResource:
			value = strings.Join(b.TXT, " ")
		case *dnsmessage.AResource:
			value = net.IP(b.A[:]).String()
		case *dnsmessage.AAAAResource:
			value = net.IP(b.AAAA[:]).String()
		case *dnsmessage.UnknownResource:
			value = fmt.Sprintf("%d: %x", b.Type, b.Data[len(b.Data)-6:])
		}
		out = append(out, fmt.Sprintf("%s %s %d%s %s", r.Header.Name, strings.TrimPrefix(r.Header.Type.String(), "Type"), r.Header.TTL, flush, value))
	}
	return strings.Join(out, "\n")
}
