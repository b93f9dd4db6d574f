package announce

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/mdns/v2"
	"github.com/rs/zerolog"
	"golang.org/x/net/dns/dnsmessage"
)

const (
	testID       = "0123456789abcdef"
	testHost     = "callbox-0123456789abcdef.local."
	testInstance = "Front door (01234567)._callbox._tcp.local."
)

func testOptions() Options {
	return Options{Name: "Front door", ID: testID, Port: 8443, Text: []string{"sn=door-1", "dkt=abc", "path=/signal"}, Log: zerolog.Nop()}
}

func started(t *testing.T, change func(*Options)) *Announcer {
	t.Helper()
	o := testOptions()
	if change != nil {
		change(&o)
	}
	a, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// without leaves out what a kernel adds by itself: IPv6 addresses of the link.
func without6(text string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.Contains(line, " AAAA ") }), "\n")
}

const announced = `_callbox._tcp.local. PTR 4500 ` + testInstance + `
` + testInstance + ` SRV 120! ` + testHost + `:8443
` + testInstance + ` TXT 4500! sn=door-1 dkt=abc path=/signal
` + testHost + ` A 120! 192.0.2.1`

// TestAnnouncedAndGone: twice at the start, a second apart, and goodbye at the end.
func TestAnnouncedAndGone(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		e := newEar(t, "net0")
		began := time.Now()
		a := started(t, nil)
		for _, what := range []string{"an announcement", "its repetition"} {
			m := e.next(what)
			if got := without6(texts(m.Answers)); got != announced {
				t.Errorf("%s:\n%s\nwant\n%s", what, got, announced)
			}
		}
		// Not from when the first was heard: on a busy machine that is late.
		if took := time.Since(began); took < repeatAfter {
			t.Errorf("announced twice within %v", took)
		}
		e.take() // an address of IPv6 may have come in between
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		want := strings.NewReplacer(" 4500", " 0", " 120", " 0").Replace(announced)
		if got := without6(texts(e.next("goodbye").Answers)); got != want {
			t.Errorf("goodbye:\n%s\nwant\n%s", got, want)
		}
	})
}

// TestFoundByAnother: by a querier that is not ours.
func TestFoundByAnother(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		started(t, nil)
		i, err := net.InterfaceByName("net0")
		if err != nil {
			t.Fatal(err)
		}
		s, err := listen4()
		if err != nil {
			t.Fatal(err)
		}
		c, err := mdns.NewServer(s.PacketConn, nil, mdns.WithInterfaces(*i))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		found := make(chan mdns.ServiceEvent, 8)
		c.OnServiceDiscovered(func(ev mdns.ServiceEvent) { found <- ev })
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		go func() { _ = c.Browse(ctx, "_callbox._tcp") }() // until ctx ends
		select {
		case ev := <-found:
			got := ev.Instance
			var text []string
			for _, one := range got.Text {
				text = append(text, one.Key+"="+string(one.Value))
			}
			if got.Instance != "Front door (01234567)" || got.Host != testHost || got.Port != 8443 ||
				strings.Join(text, " ") != "sn=door-1 dkt=abc path=/signal" || !slices.Contains(addresses(t), ev.Addr.WithZone("")) {
				t.Errorf("found %+v at %v", got, ev.Addr)
			}
		case <-ctx.Done():
			t.Error("not found within 10 s")
		}
	})
}

// addresses are those of the namespace: a querier takes the first that it hears, of
// either family and from either end of the link, on both of which the device is there.
func addresses(t *testing.T) []netip.Addr {
	t.Helper()
	of, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	var all []netip.Addr
	for _, a := range of {
		all = append(all, netip.MustParsePrefix(a.String()).Addr())
	}
	return all
}

// TestInterfacesComeAndGo while the device runs, as cables and Wi-Fi do.
func TestInterfacesComeAndGo(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		started(t, nil)
		shell(t, "ip link add net1 type veth peer name far1", "ip link set net1 up", "ip link set far1 up")
		e := newEar(t, "net1")
		address := func(want string) {
			t.Helper()
			for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
				if strings.Contains(texts(e.next("an announcement").Answers), want) {
					return
				}
			}
			t.Fatalf("never announced: %s", want)
		}
		shell(t, "ip addr add 198.51.100.7/24 dev net1")
		address(testHost + " A 120! 198.51.100.7")
		shell(t, "ip addr add 203.0.113.8/24 dev net1", "ip addr del 198.51.100.7/24 dev net1")
		address(testHost + " A 120! 203.0.113.8")
		time.Sleep(repeatAfter + settle)
		e.take()
		shell(t, "ip link set net1 down")
		time.Sleep(2 * settle)
		e.take()
		shell(t, "ip link set net1 up", "ip addr replace 203.0.113.8/24 dev net1")
		address(testHost + " A 120! 203.0.113.8")
	})
}

// TestQuestions of other hosts.
func TestQuestions(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		e := newEar(t, "net0")
		started(t, nil)
		e.next("an announcement")
		time.Sleep(2*repeatAfter + settle) // all is said, and may be said again
		e.take()

		e.ask("_CALLBOX._tcp.local.", dnsmessage.TypePTR)
		m := e.next("the answer")
		if got, want := texts(m.Answers), "_callbox._tcp.local. PTR 4500 "+testInstance; got != want {
			t.Errorf("answer %s, want %s", got, want)
		}
		if got := texts(m.Additionals); !strings.Contains(got, " SRV ") || !strings.Contains(got, " TXT ") || !strings.Contains(got, " A ") {
			t.Errorf("beside it only %s", got)
		}
		ptr := m.Answers[0]
		for range 5 {
			e.ask(ServiceType, dnsmessage.TypePTR)
		}
		e.silence(300*time.Millisecond, "asked again within a second")
		time.Sleep(answerRest)
		e.ask(ServiceType, dnsmessage.TypePTR, ptr)
		e.silence(300*time.Millisecond, "the asker knows it")
		ptr.Header.TTL = otherTTL/2 - 1
		e.ask(ServiceType, dnsmessage.TypePTR, ptr)
		e.next("the answer to one who will soon forget")

		for name, tt := range map[string]struct {
			name string
			kind dnsmessage.Type
			want string
		}{
			"what services there are":  {allTypes, dnsmessage.TypePTR, allTypes + " PTR 4500 " + ServiceType},
			"the host":                 {testHost, dnsmessage.TypeA, testHost + " A 120! 192.0.2.1"},
			"the service":              {testInstance, dnsmessage.TypeSRV, testInstance + " SRV 120! " + testHost + ":8443"},
			"no such record of ours":   {testInstance, dnsmessage.TypeA, testInstance + " 47 120! 47: 050000800040"},
			"in another letter case":   {strings.ToUpper(testHost), dnsmessage.TypeHINFO, "47: "},
			"any record":               {testInstance, dnsmessage.TypeALL, testInstance + " TXT 4500! sn=door-1"},
			"another's host":           {"callbox-1.local.", dnsmessage.TypeA, ""},
			"another's kind of device": {"_http._tcp.local.", dnsmessage.TypePTR, ""},
		} {
			time.Sleep(answerRest)
			e.take()
			e.ask(tt.name, tt.kind)
			if tt.want == "" {
				e.silence(300*time.Millisecond, name)
				continue
			}
			if got := texts(e.next(name).Answers); !strings.Contains(got, tt.want) {
				t.Errorf("%s: %s, want %s", name, got, tt.want)
			}
		}
	})
}

// TestAPlainResolver asks from a port of its own and wants an answer as of DNS.
func TestAPlainResolver(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		started(t, nil)
		time.Sleep(settle)
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1)})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		m := question(t, ServiceType, dnsmessage.TypePTR)
		m.ID = 77
		p, err := m.Pack()
		if err != nil {
			t.Fatal(err)
		}
		shell(t, "ip route add 224.0.0.0/4 dev net0")
		if _, err := c.WriteTo(p, group4); err != nil {
			t.Fatal(err)
		}
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		buffer := make([]byte, maxPacket)
		n, _, err := c.ReadFrom(buffer)
		if err != nil {
			t.Fatal(err)
		}
		var got dnsmessage.Message
		if err := got.Unpack(buffer[:n]); err != nil {
			t.Fatal(err)
		}
		if got.ID != 77 || len(got.Questions) != 1 || texts(got.Answers) != "_callbox._tcp.local. PTR 10 "+testInstance || strings.Contains(texts(got.Additionals), "!") {
			t.Errorf("answer %+v: %s, %s", got.Header, texts(got.Answers), texts(got.Additionals))
		}
	})
}

// TestOneAddressOnly: a device that listens on one address tells of no other, and of
// nothing on other links.
func TestOneAddressOnly(t *testing.T) {
	inNamespace(t, func(t *testing.T) {
		shell(t, "ip link add net1 type veth peer name far1", "ip link set net1 up", "ip link set far1 up",
			"ip addr add 198.51.100.7/24 dev net1", "ip addr add 198.51.100.8/24 dev net1")
		zero, one := newEar(t, "net0"), newEar(t, "net1")
		started(t, func(o *Options) { o.Only = netip.MustParseAddr("198.51.100.8") })
		if got := texts(one.next("an announcement").Answers); strings.Contains(got, "198.51.100.7") || strings.Contains(got, "AAAA") || !strings.Contains(got, "198.51.100.8") {
			t.Errorf("announced %s", got)
		}
		zero.silence(500*time.Millisecond, "another link")
	})
}
