package daemon

import (
	"encoding/hex"
	"fmt"
	"net"

	"callbox/signaling/announce"
	"callbox/signaling/base64url"
)

// idBytes of the thumbprint make the device's names in multicast DNS its own.
const idBytes = 8

// announceDirect tells the local network of the direct transport, which is started.
// On loopback there is nobody to tell. That it cannot is no reason not to run.
func (d *daemon) announceDirect() {
	if !d.cfg.Signaling.Announce || d.direct == nil {
		return
	}
	o, ok, err := announcement(d.direct.Addr(), d.key.JKT())
	if err == nil && !ok {
		return
	}
	if err == nil {
		o.Name, o.Log = d.cfg.Device.Name, d.log
		o.Text = []string{"sn=" + d.sn, "dkt=" + d.key.JKT(), "path=/signal"}
		d.beacon, err = announce.Start(o)
	}
	if err != nil {
		d.log.Warn().Err(err).Msg("the device is not announced on the local network: set signaling.announce: false if that is as it should be")
	}
}

// announcement is what follows from where the transport listens; false on loopback.
func announcement(at net.Addr, dkt string) (o announce.Options, ok bool, err error) {
	tcp, isTCP := at.(*net.TCPAddr)
	if !isTCP {
		return o, false, fmt.Errorf("cannot announce the address %v", at)
	}
	thumbprint, err := base64url.Decode(dkt)
	if err != nil || len(thumbprint) < idBytes {
		return o, false, fmt.Errorf("cannot announce the thumbprint %q: %w", dkt, err)
	}
	listen := tcp.AddrPort()
	a := listen.Addr().Unmap()
	if a.IsLoopback() {
		return o, false, nil
	}
	o.ID, o.Port = hex.EncodeToString(thumbprint[:idBytes]), listen.Port()
	if !a.IsUnspecified() {
		o.Only = a
	}
	return o, true, nil
}
