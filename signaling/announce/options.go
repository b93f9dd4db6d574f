package announce

import (
	"net"
	"net/netip"
	"strings"
	"unicode/utf8"

	"github.com/rs/zerolog"
)

// ServiceType is what apps look for.
const ServiceType = "_callbox._tcp.local."

const (
	domain   = "local."
	allTypes = "_services._dns-sd._udp.local." // RFC 6763, 9
	maxLabel = 63                              // bytes (RFC 1035, 2.3.4)
	maxText  = 255                             // bytes of one key=value (RFC 6763, 6.1)
)

// Options are what is announced, and where.
type Options struct {
	Name string // of the device, as people know it
	ID   string // of the device alone: letters, digits and "-", at most 32; part of its names
	Port uint16
	Text []string // key=value each, at most 255 bytes (RFC 6763, 6)
	// Only is the one address that is served; the zero value: all that are not
	// loopback.
	Only netip.Addr
	// Interfaces lists the network interfaces; nil: net.Interfaces.
	Interfaces func() ([]net.Interface, error)
	Log        zerolog.Logger
}

// instance is the label that people may see: the name with a part of the id, which
// makes it the device's alone. A dot would end the label.
func (o *Options) instance() string {
	suffix := " (" + o.ID[:min(8, len(o.ID))] + ")"
	name := strings.Join(strings.Fields(strings.NewReplacer(".", " ", `\`, " ").Replace(o.Name)), " ")
	for len(name)+len(suffix) > maxLabel {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return strings.TrimSpace(name) + suffix
}

func (o *Options) host() string { return "callbox-" + strings.ToLower(o.ID) + "." + domain }
