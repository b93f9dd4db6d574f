package announce

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// typeNSEC is missing in dnsmessage; class in a question for any type is ANY.
const typeNSEC dnsmessage.Type = 47

// record is one of ours. A shared one others may have under the same name, too.
type record struct {
	dnsmessage.Resource
	shared bool
}

// zone is what is known on one interface.
type zone struct {
	instance dnsmessage.Name
	records  []record // PTR, SRV, TXT, A, AAAA: what is announced
	meta     record   // that the service type exists
	nsec     []record // which types there are under our own names, and so: no others
}

// newZone makes the records for an interface with these addresses.
func newZone(o *Options, addrs []netip.Addr) (*zone, error) {
	z := &zone{}
	var err error
	name := func(text string) dnsmessage.Name {
		n, e := dnsmessage.NewName(text)
		if e != nil && err == nil {
			err = fmt.Errorf("cannot announce the name %q: %w", text, e)
		}
		return n
	}
	host, service := name(o.host()), name(ServiceType)
	z.instance = name(o.instance() + "." + ServiceType)
	for _, text := range o.Text {
		if len(text) > maxText && err == nil {
			err = fmt.Errorf("cannot announce %q: it is longer than %d bytes", text, maxText)
		}
	}
	add := func(n dnsmessage.Name, ttl uint32, shared bool, body dnsmessage.ResourceBody) {
		z.records = append(z.records, newRecord(n, ttl, shared, body))
	}
	add(service, otherTTL, true, &dnsmessage.PTRResource{PTR: z.instance})
	add(z.instance, hostTTL, false, &dnsmessage.SRVResource{Port: o.Port, Target: host})
	add(z.instance, otherTTL, false, &dnsmessage.TXTResource{TXT: o.Text})
	var types []dnsmessage.Type
	for _, a := range addrs {
		body, kind := dnsmessage.ResourceBody(&dnsmessage.AAAAResource{AAAA: a.As16()}), dnsmessage.TypeAAAA
		if a.Is4() {
			body, kind = &dnsmessage.AResource{A: a.As4()}, dnsmessage.TypeA
		}
		add(host, hostTTL, false, body)
		types = append(types, kind)
	}
	z.meta = newRecord(name(allTypes), otherTTL, true, &dnsmessage.PTRResource{PTR: service})
	z.nsec = []record{nsec(host, types...), nsec(z.instance, dnsmessage.TypeTXT, dnsmessage.TypeSRV)}
	return z, err
}

func newRecord(n dnsmessage.Name, ttl uint32, shared bool, body dnsmessage.ResourceBody) record {
	class := dnsmessage.ClassINET
	if !shared {
		class |= flushBit
	}
	var kind dnsmessage.Type
	switch body := body.(type) {
	case *dnsmessage.PTRResource:
		kind = dnsmessage.TypePTR
	case *dnsmessage.SRVResource:
		kind = dnsmessage.TypeSRV
	case *dnsmessage.TXTResource:
		kind = dnsmessage.TypeTXT
	case *dnsmessage.AResource:
		kind = dnsmessage.TypeA
	case *dnsmessage.AAAAResource:
		kind = dnsmessage.TypeAAAA
	case *dnsmessage.UnknownResource:
		kind = body.Type
	}
	return record{dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: n, Type: kind, Class: class, TTL: ttl}, Body: body}, shared}
}

// nsec says that a name has records of these types and no others (RFC 6762, 6.1).
func nsec(n dnsmessage.Name, types ...dnsmessage.Type) record {
	var data []byte
	for label := range strings.SplitSeq(strings.TrimSuffix(n.String(), "."), ".") {
		data = append(append(data, byte(len(label))), label...)
	}
	var bits [32]byte
	last := -1
	for _, t := range types { // all are below 256: window 0
		bits[t/8] |= 0x80 >> (t % 8)
		last = max(last, int(t/8))
	}
	data = append(data, 0, 0, byte(last+1))
	return newRecord(n, hostTTL, false, &dnsmessage.UnknownResource{Type: typeNSEC, Data: append(data, bits[:last+1]...)})
}

// asks reports whether a question is about r.
func asks(q dnsmessage.Question, r record) bool {
	return (q.Type == r.Header.Type || q.Type == dnsmessage.TypeALL) && classFits(q.Class) && sameName(q.Name, r.Header.Name)
}

func classFits(c dnsmessage.Class) bool {
	c &^= queryBit
	return c == dnsmessage.ClassINET || c == dnsmessage.ClassANY
}

// sameName compares as DNS does: letter case does not count.
func sameName(a, b dnsmessage.Name) bool { return strings.EqualFold(a.String(), b.String()) }

// answers are our records that answer the questions, but those that the asker has
// shown to know (RFC 6762, 7.1); more goes along with them (RFC 6763, 12).
func (z *zone) answers(questions []dnsmessage.Question, known []dnsmessage.Resource) (found, more []record) {
	for _, q := range questions {
		hit, ours := false, false
		for _, r := range append([]record{z.meta}, z.records...) {
			if asks(q, r) {
				hit = true
				found = appendNew(found, r)
			}
		}
		for _, r := range z.nsec {
			if ours = sameName(q.Name, r.Header.Name); ours && !hit && classFits(q.Class) {
				found = appendNew(found, r)
			}
		}
	}
	answered := found
	found = nil
	for _, r := range answered {
		if !knows(known, r) {
			found = append(found, r)
		}
	}
	for _, r := range found {
		if r.Header.Type == dnsmessage.TypePTR && r.Header.Name != z.meta.Header.Name || r.Header.Type == dnsmessage.TypeSRV {
			for _, other := range z.records {
				if !other.shared && !contains(found, other) {
					more = appendNew(more, other)
				}
			}
		}
	}
	return found, more
}

func contains(list []record, r record) bool {
	for _, one := range list {
		if reflect.DeepEqual(one, r) {
			return true
		}
	}
	return false
}

func appendNew(list []record, r record) []record {
	if contains(list, r) {
		return list
	}
	return append(list, r)
}

// knows reports whether r is among the records that an asker knows for at least
// half of their life still.
func knows(known []dnsmessage.Resource, r record) bool {
	for _, k := range known {
		if k.Header.Type == r.Header.Type && k.Header.Class&^flushBit == dnsmessage.ClassINET && k.Header.TTL >= r.Header.TTL/2 &&
			sameName(k.Header.Name, r.Header.Name) && reflect.DeepEqual(k.Body, r.Body) {
			return true
		}
	}
	return false
}

// response packs an answer. A TTL over most makes it less; 0 in all says goodbye.
func response(found, more []record, most uint32) ([]byte, error) {
	m := dnsmessage.Message{Header: dnsmessage.Header{Response: true, Authoritative: true}}
	m.Answers, m.Additionals = resources(found, most), resources(more, most)
	return m.Pack()
}

// legacyResponse answers a resolver that knows nothing of mDNS: as DNS would (6.7).
func legacyResponse(id uint16, questions []dnsmessage.Question, found, more []record) ([]byte, error) {
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: id, Response: true, Authoritative: true}, Questions: questions}
	m.Answers, m.Additionals = resources(found, legacyTTL), resources(more, legacyTTL)
	for _, list := range [][]dnsmessage.Resource{m.Answers, m.Additionals} {
		for i := range list {
			list[i].Header.Class &^= flushBit
		}
	}
	return m.Pack()
}

func resources(list []record, most uint32) []dnsmessage.Resource {
	out := make([]dnsmessage.Resource, len(list))
	for i, r := range list {
		out[i] = r.Resource
		out[i].Header.TTL = min(r.Header.TTL, most)
	}
	return out
}
