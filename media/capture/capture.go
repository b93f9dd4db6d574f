// Package capture puts the device's cameras and microphones behind mediadevices:
// drivers in its manager, tracks from GetUserMedia, encoders built by its codec
// builders.
//
// A driver is registered while its device is open and no longer, because
// mediadevices keeps its drivers for the whole process and opens every closed one
// at each GetUserMedia, only to ask what it can do: a camera's light would go on
// for nothing, and what fails half-way stays open (pion/mediadevices#74, #412). So
// the hal stream is opened first, with its own exact error, and the driver over
// it opens nothing.
//
// Of a mediadevices Track only NewEncodedReader is used, and of a camera's not even
// that: the broadcaster in it, which is for several readers, allocates twice for each
// picture and makes text of errors. A camera's encoder reads the driver itself. As a
// TrackLocal a Track ignores the negotiated payload type, changes its stream id at each
// look, and reads RTCP away from others.
package capture

import (
	"fmt"
	"io"
	"sync"

	"github.com/google/uuid"
	"github.com/pion/mediadevices"
	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/prop"
)

// process serialises what mediadevices has once for the process: its drivers
// change state without a lock, and GetUserMedia touches all of them.
var process sync.Mutex

// registration is a driver in the manager and the track that was made of it.
type registration struct {
	id    string
	track mediadevices.Track
}

// register puts an adapter into the manager and gets a track from it.
func register(a driver.Adapter, kind driver.DeviceType, codecs *mediadevices.CodecSelector) (*registration, error) {
	process.Lock()
	defer process.Unlock()
	m := driver.GetManager()
	// The manager gives a driver its id and tells nobody; the label finds it.
	label := uuid.NewString()
	if err := m.Register(a, driver.Info{Label: label, DeviceType: kind}); err != nil {
		return nil, err
	}
	found := m.Query(func(d driver.Driver) bool { return d.Info().Label == label })
	if len(found) != 1 {
		return nil, fmt.Errorf("cannot find the driver that was registered as %s", label)
	}
	r := &registration{id: found[0].ID()}
	choose := func(c *mediadevices.MediaTrackConstraints) { c.DeviceID = prop.StringExact(r.id) }
	want := mediadevices.MediaStreamConstraints{Codec: codecs}
	if kind == driver.Camera {
		want.Video = choose
	} else {
		want.Audio = choose
	}
	s, err := mediadevices.GetUserMedia(want)
	if err == nil && len(s.GetTracks()) != 1 {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		m.Delete(r.id)
		return nil, fmt.Errorf("cannot get a track from mediadevices: %w", err)
	}
	r.track = s.GetTracks()[0]
	return r, nil
}

// close takes the driver out of the manager.
func (r *registration) close() {
	process.Lock()
	defer process.Unlock()
	_ = r.track.Close() // our adapters have nothing to close: the device is ours
	driver.GetManager().Delete(r.id)
}
