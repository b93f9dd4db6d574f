// Package mqtttest is a Mosquitto for tests, on free ports of the loopback
// interface: with a password file, the ACL of docs/protocol.md ("Transports") and
// TLS by an authority that the test makes. It is Debian's package mosquitto; a test
// without it is skipped, but under CI, where it fails.
package mqtttest

import (
	"bytes"
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/packets"

	"callbox/hal/haltest"
)

// patience is how long a test waits for a broker.
const patience = 15 * time.Second

// Prefix stands before all topics of the ACL.
const Prefix = "callbox/1"

// The listeners of a Broker, as schemes of its URLs.
const (
	TCP  = "mqtt"
	TLS  = "mqtts"
	WS   = "ws"
	WSS  = "wss"
	MTLS = "mtls" // mqtts that asks for a client certificate
)

// Options choose what a Broker is like.
type Options struct {
	// NoACL lets every login read and write everything.
	NoACL bool
	// ACL takes the place of the protocol's.
	ACL string
}

// Broker is a running Mosquitto.
type Broker struct {
	// CA is the PEM file of the authority that its certificate is by; Certificate
	// and Key are a client's, by the same one.
	CA, Certificate, Key string

	t     testing.TB
	o     Options
	dir   string
	ports map[string]int

	mu      sync.Mutex
	users   []login
	mark    login // changes with the files: who logs in with it sees that they were read
	process *exec.Cmd
	ended   chan struct{}
	output  bytes.Buffer
}

type login struct {
	name, line string
	reads      []string // addresses whose status it may read
}

// Start starts a broker. It ends with the test.
func Start(t testing.TB, o Options) *Broker {
	t.Helper()
	if _, err := exec.LookPath("mosquitto"); err != nil {
		haltest.Missing(t, "mosquitto")
	}
	b := &Broker{t: t, o: o, dir: t.TempDir(), ports: map[string]int{}}
	b.makeCertificates()
	b.choosePorts()
	b.write("mosquitto.conf", b.config())
	b.writeLogins()
	b.Run()
	t.Cleanup(func() {
		b.Kill()
		if t.Failed() {
			t.Logf("mosquitto says:\n%s", b.Output())
		}
	})
	return b
}

// choosePorts finds a port for each listener. All are held until the last is found:
// one that was let go could be drawn again.
func (b *Broker) choosePorts() {
	b.t.Helper()
	for _, scheme := range []string{TCP, TLS, WS, WSS, MTLS} {
		l := freePort(b.t)
		defer l.Close()
		b.ports[scheme] = l.Addr().(*net.TCPAddr).Port
	}
}

// freePort finds a port, and holds it.
func freePort(t testing.TB) net.Listener {
	t.Helper()
	for range 100 {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", haltest.Port()))
		if err == nil {
			return l
		}
	}
	t.Fatal("there is no free port")
	return nil
}

func (b *Broker) config() string {
	var c strings.Builder
	me, err := user.Current()
	if err != nil {
		b.t.Fatal(err)
	}
	// As root it would become another user, who cannot read a test's files.
	fmt.Fprintf(&c, "user %s\nallow_anonymous false\npassword_file %s\npersistence false\nset_tcp_nodelay true\n"+
		"max_packet_size 65536\nlog_dest stdout\nlog_type error\nlog_type warning\nlog_type notice\n", me.Username, b.path("passwords"))
	if !b.o.NoACL {
		fmt.Fprintf(&c, "acl_file %s\n", b.path("acl"))
	}
	for _, scheme := range []string{TCP, TLS, WS, WSS, MTLS} {
		fmt.Fprintf(&c, "listener %d 127.0.0.1\nuse_username_as_clientid true\n", b.ports[scheme])
		if scheme == WS || scheme == WSS {
			fmt.Fprintln(&c, "protocol websockets")
		}
		if scheme != TCP && scheme != WS {
			fmt.Fprintf(&c, "certfile %s\nkeyfile %s\n", b.path("broker.pem"), b.path("broker.key"))
		}
		if scheme == MTLS {
			fmt.Fprintf(&c, "cafile %s\nrequire_certificate true\n", b.CA)
		}
	}
	return c.String()
}

func (b *Broker) path(name string) string { return filepath.Join(b.dir, name) }

// write puts a file in its place as a whole: a broker that reads half of its
// passwords sends the others' clients away.
func (b *Broker) write(name, text string) {
	b.t.Helper()
	err := os.WriteFile(b.path(name+".new"), []byte(text), 0o600)
	if err == nil {
		err = os.Rename(b.path(name+".new"), b.path(name))
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// writeLogins writes passwords and ACL. The mutex is held, or the broker not shared.
func (b *Broker) writeLogins() {
	b.t.Helper()
	var passwords, acl strings.Builder
	acl.WriteString(b.o.ACL)
	if b.o.ACL == "" {
		fmt.Fprintf(&acl, "pattern write %[1]s/+/rx/%%u\npattern read %[1]s/%%u/rx/+\npattern write %[1]s/%%u/status\npattern read %[1]s/%%u/status\n", Prefix)
	}
	if b.mark.name != "" {
		fmt.Fprintln(&passwords, b.mark.line)
	}
	for _, u := range b.users {
		fmt.Fprintln(&passwords, u.line)
		if len(u.reads) > 0 {
			fmt.Fprintf(&acl, "user %s\n", u.name)
		}
		for _, device := range u.reads {
			fmt.Fprintf(&acl, "topic read %s/%s/status\n", Prefix, device)
		}
	}
	b.write("acl", acl.String())
	b.write("passwords", passwords.String())
}

// Login makes a login for an address, which may read the status of the devices
// named, and returns the file with its password. A second one for the same name
// changes the password.
func (b *Broker) Login(name string, reads ...string) (passwordFile string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	password := rand.Text()
	b.users = slices.DeleteFunc(b.users, func(u login) bool { return u.name == name })
	b.users = append(b.users, b.newLogin(name, password, reads...))
	b.changed()
	b.write("password-"+name, password+"\n")
	return b.path("password-" + name)
}

// SetACL has the broker read another ACL, under its clients; "": the protocol's.
func (b *Broker) SetACL(acl string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.o.ACL = acl
	b.changed()
}

func (b *Broker) newLogin(name, password string, reads ...string) login {
	b.t.Helper()
	salt := make([]byte, 12)
	_, _ = rand.Read(salt) // never fails
	const rounds = 101     // what mosquitto_passwd takes
	hash, err := pbkdf2.Key(sha512.New, password, salt, rounds, sha512.Size)
	if err != nil {
		b.t.Fatal(err)
	}
	base := base64.StdEncoding.EncodeToString
	return login{name: name, reads: reads, line: fmt.Sprintf("%s:$7$%d$%s$%s", name, rounds, base(salt), base(hash))}
}

// changed writes both files and, where the broker runs, waits until it has read them: a
// SIGHUP that comes while it reads is lost to it, and what was written then would not
// count. The mutex is held.
func (b *Broker) changed() {
	b.t.Helper()
	const name = "mark"
	password := rand.Text()
	b.mark = b.newLogin(name, password)
	b.writeLogins()
	if b.process == nil {
		return
	}
	_ = b.process.Process.Signal(syscall.SIGHUP)
	var connect bytes.Buffer
	_, _ = (&packets.Connect{
		ProtocolName: "MQTT", ProtocolVersion: 5, KeepAlive: 5, CleanStart: true, ClientID: name, Properties: &packets.Properties{},
		UsernameFlag: true, Username: name, PasswordFlag: true, Password: []byte(password),
	}).WriteTo(&connect)
	for end := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		// CONNACK: the fourth byte says whether it was accepted.
		if ack := b.answer(connect.Bytes()); len(ack) > 3 && ack[3] == 0 {
			return
		}
		select {
		case <-b.ended:
			return
		default:
		}
		if time.Now().After(end) {
			b.t.Errorf("mosquitto does not read its files\n%s", b.output.String())
			return
		}
	}
}

// Password reads the file that Login returned, each time that it is called; nil when
// there is none.
func Password(file string) func() ([]byte, error) {
	if file == "" {
		return nil
	}
	return func() ([]byte, error) {
		text, err := os.ReadFile(file)
		return bytes.TrimSpace(text), err
	}
}

// URL is the broker's address by one of the schemes.
func (b *Broker) URL(scheme string) string {
	port := b.ports[scheme]
	if scheme == MTLS {
		scheme = TLS
	}
	return fmt.Sprintf("%s://127.0.0.1:%d", scheme, port)
}

// Run starts the broker again, on the same ports.
func (b *Broker) Run() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for end := time.Now().Add(patience); !b.start(end); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			b.t.Fatalf("mosquitto does not run\n%s", b.output.String())
		}
	}
}

// start is false when the process has ended by itself: a port of the one before may
// not be free yet.
func (b *Broker) start(end time.Time) bool {
	b.t.Helper()
	b.process = exec.CommandContext(context.WithoutCancel(b.t.Context()), "mosquitto", "-c", b.path("mosquitto.conf"))
	b.process.Stdout, b.process.Stderr = &b.output, &b.output
	if err := b.process.Start(); err != nil {
		b.t.Fatal(err)
	}
	process, ended := b.process, make(chan struct{})
	go func() { // ends with the process, which Kill ends
		_ = process.Wait()
		close(ended)
	}()
	b.ended = ended
	for !b.answers() {
		select {
		case <-ended:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(end) {
			_ = process.Process.Kill()
			<-ended
			return false
		}
	}
	return true
}

// answers reports whether the broker refuses a stranger. Listening is not enough: a
// SIGHUP before it runs would end it.
func (b *Broker) answers() bool {
	return len(b.answer([]byte("\x10\x0e\x00\x04MQTT\x05\x02\x00\x05\x00\x00\x01x"))) > 0
}

// answer is what the broker says to who connects so; nil: nothing.
func (b *Broker) answer(connect []byte) []byte {
	c, err := (&net.Dialer{}).DialContext(b.t.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", b.ports[TCP]))
	if err != nil {
		return nil
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience)) // a socket has deadlines
	_, _ = c.Write(connect)
	said := make([]byte, 16)
	n, err := c.Read(said)
	if err != nil {
		return nil
	}
	return said[:n]
}

// Kill ends the broker without a word to anybody.
func (b *Broker) Kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.process == nil {
		return
	}
	_ = b.process.Process.Kill()
	<-b.ended
	b.process = nil
}

// Output is what the broker has logged, once it was killed.
func (b *Broker) Output() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.output.String()
}
