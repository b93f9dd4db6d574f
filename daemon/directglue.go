package daemon

import (
	"io/fs"
	"net/url"
	"path/filepath"
	"slices"

	"callbox/signaling"
	"callbox/signaling/direct"
	"callbox/signaling/hello"
	"callbox/signaling/key"
)

// newDirect makes the direct transport of p; page are the files of the call page.
func newDirect(p *parts, page fs.FS) (*direct.Server, error) {
	glue := &directGlue{device: p.device}
	options := p.cfg.Signaling.Direct
	if u, err := url.Parse(p.cfg.Signaling.Page); err == nil && u.Host != "" {
		options.Origins = append(slices.Clone(options.Origins), u.Scheme+"://"+u.Host)
	}
	server, err := direct.New(options, direct.Config{
		SN: p.sn, Page: page, CertDir: filepath.Join(p.cfg.Device.StateDir, "tls"), Handler: glue, Log: p.log,
		Greet: func() (direct.Greeting, error) {
			g, err := hello.Greet(p.key, p.sn, p.store.Epoch())
			return greeting{g}, err
		},
	})
	glue.server = server
	return server, err
}

// greeting lets a hello speak of addresses, as the transport does.
type greeting struct{ *hello.Greeting }

// Verify returns the phone's address.
func (g greeting) Verify(answer string) (string, error) {
	jkt, err := g.Greeting.Verify(answer)
	return key.PhoneAddress(jkt), err
}

// directGlue hands what the direct transport reports to signaling.
type directGlue struct {
	device *signaling.Device
	server *direct.Server
}

func (g *directGlue) peer(address, remote string, secure bool) signaling.Peer {
	return signaling.Peer{Transport: g.server, Budget: address, Remote: remote, Address: address, Proven: true, Secure: secure}
}

// Up tells that a phone can be reached.
func (g *directGlue) Up(address string) { g.device.Up(g.peer(address, "", false)) }

// Gone tells that it cannot be reached any more.
func (g *directGlue) Gone(address string) { g.device.Gone(g.peer(address, "", false)) }

// Receive hands a message on.
func (g *directGlue) Receive(address, remote string, secure bool, msg string) {
	g.device.Receive(g.peer(address, remote, secure), msg)
}
