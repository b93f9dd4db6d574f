package announce

import (
	"net/netip"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

func TestInstanceNames(t *testing.T) {
	for name, want := range map[string]string{
		"Front door":                          "Front door (01234567)",
		"Mr. Müller's  door":                  "Mr Müller's door (01234567)",
		`back\slash`:                          "back slash (01234567)",
		"...":                                 "(01234567)",
		strings.Repeat("门", 64):               strings.Repeat("门", 17) + " (01234567)",
		strings.Repeat("x", 51) + " and more": strings.Repeat("x", 51) + " (01234567)",
	} {
		o := testOptions()
		o.Name = name
		if got := o.instance(); strings.TrimSpace(got) != want || len(got) > maxLabel {
			t.Errorf("instance of %q is %q (%d bytes), want %q", name, got, len(got), want)
		}
		z, err := newZone(&o, nil)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if _, err := response(z.records, nil, otherTTL); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTextTooLong(t *testing.T) {
	o := testOptions()
	o.Text = []string{"key=" + strings.Repeat("x", 252)}
	if _, err := Start(o); err == nil {
		t.Error("a text of 256 bytes was taken")
	}
}

// FuzzQuestion: whatever comes from the network gets an answer that can be packed,
// or none, and only with records of ours.
func FuzzQuestion(f *testing.F) {
	o := testOptions()
	z, err := newZone(&o, []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("fe80::1")})
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range []string{ServiceType, allTypes, testHost, testInstance, "x."} {
		for _, kind := range []dnsmessage.Type{dnsmessage.TypePTR, dnsmessage.TypeALL, dnsmessage.TypeA, typeNSEC} {
			m := dnsmessage.Message{
				Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: kind, Class: dnsmessage.ClassINET | queryBit}},
				Answers:   []dnsmessage.Resource{z.records[0].Resource},
			}
			p, err := m.Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(p)
		}
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		var m dnsmessage.Message
		if m.Unpack(p) != nil {
			return
		}
		found, more := z.answers(m.Questions, m.Answers)
		if len(found) == 0 && len(more) > 0 {
			t.Fatal("more goes along with nothing")
		}
		if len(found)+len(more) > len(z.records)+1+len(z.nsec) {
			t.Fatalf("%d records and %d more", len(found), len(more))
		}
		if _, err := response(found, more, otherTTL); err != nil {
			t.Fatal(err)
		}
	})
}
