// Package sound drives a microphone and a speaker as one full-duplex device, so
// that an echo canceller sees both on one clock. It stands on miniaudio (malgo)
// and its ALSA and PulseAudio back ends; their C libraries are loaded at run
// time and need not be there.
package sound

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gen2brain/malgo"
	"golang.org/x/sys/unix"

	"callbox/hal"
)

// Backend is the sound system that a device belongs to.
type Backend string

// The back ends, in the order in which they are looked through. A system service
// has ALSA; PulseAudio is for desktops and for system-wide servers.
const (
	ALSA  Backend = "ALSA"
	Pulse Backend = "PulseAudio"
)

// Device is a sound device that was found.
type Device struct {
	// Name is, for ALSA, the card's id and the device number, for example Loopback,0; for
	// PulseAudio the name of the sink or source.
	Name string
	// Also are other names of it: those of udev's links to an ALSA card (/dev/snd/by-id,
	// then /dev/snd/by-path) and the device number, for example
	// pci-0000:00:14.0-usb-0:2:1.0,0.
	Also []string
	// Stable is one of Also, by the socket, where the other names may be those of an equal
	// device after the next start; "" where that cannot be.
	Stable string
	// Description is for people.
	Description string
	Backend     Backend
	// Microphone and Speaker say what the device can be; it may be both.
	Microphone, Speaker bool

	id   string // what the back end calls it
	card string // the id of an ALSA card
}

// List finds all real sound devices that may be opened, ALSA's first, and opens none.
// Null devices and monitors of sinks are not among them. The list is right as far as
// it goes when there is an error, too: that tells of what may not be opened.
func List() ([]Device, error) {
	found, err := listALSA("/proc/asound", "/dev/snd", accessible)
	pulse, errPulse := listPulse()
	return append(found, pulse...), errors.Join(err, errPulse)
}

// listALSA reads what the kernel says under proc: that takes no libasound, and shows no
// plug-ins such as "null". dev has the cards' nodes; what access, which is told their
// names, refuses is left out. Without its control node no device of a card can be opened.
func listALSA(proc, dev string, access func(node string) error) ([]Device, error) {
	lines, err := readPCMs(proc)
	if err != nil {
		return nil, err
	}
	var problems []error
	may := func(format string, args ...any) bool {
		node := filepath.Join(dev, fmt.Sprintf(format, args...))
		err := access(node)
		if errors.Is(err, fs.ErrPermission) {
			problems = append(problems, fmt.Errorf("cannot open %s: %w", node, refused(err)))
		}
		return err == nil // else it was unplugged, or udev is about to make it
	}
	cards, usable := map[int]card{}, map[int]bool{}
	for _, l := range lines {
		if _, known := cards[l.card]; known {
			continue
		}
		id, err := os.ReadFile(filepath.Join(proc, fmt.Sprintf("card%d", l.card), "id"))
		if err != nil {
			continue // unplugged since
		}
		cards[l.card] = card{l.card, strings.TrimSpace(string(id))}
		usable[l.card] = may("controlC%d", l.card)
	}
	links, all := findCardLinks(dev), slices.Collect(maps.Values(cards))
	var found []Device
	for _, l := range lines {
		if !usable[l.card] {
			continue
		}
		d := Device{Backend: ALSA, Description: l.fields[0]}
		for _, field := range l.fields[1:] {
			d.Speaker = d.Speaker || strings.HasPrefix(field, "playback ") && may("pcmC%dD%dp", l.card, l.device)
			d.Microphone = d.Microphone || strings.HasPrefix(field, "capture ") && may("pcmC%dD%dc", l.card, l.device)
		}
		if !d.Speaker && !d.Microphone {
			continue
		}
		cards[l.card].name(&d, l.device, links, all)
		// plughw brings formats and channels that miniaudio does not know to ones
		// that it does.
		d.id = fmt.Sprintf("plughw:CARD=%s,DEV=%d", d.card, l.device)
		found = append(found, d)
	}
	return found, errors.Join(problems...)
}

// pcm is a line of /proc/asound/pcm.
type pcm struct {
	card, device int
	fields       []string
}

// readPCMs reads the PCM devices of all cards.
func readPCMs(proc string) (all []pcm, err error) {
	f, err := os.Open(filepath.Join(proc, "pcm"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // no sound in this kernel
	}
	if err != nil {
		return nil, fmt.Errorf("cannot look for sound cards: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if p, ok := parsePCM(lines.Text()); ok {
			all = append(all, p)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("cannot look for sound cards: %w", err)
	}
	return all, nil
}

// accessible asks whether a node may be opened, and does not open it: another program
// may have it, which is no matter here.
func accessible(node string) error { return unix.Access(node, unix.R_OK|unix.W_OK) }

// refused adds what to do to an error about permissions: the kernel says EACCES for the
// mode of the node, EPERM for the device filter of the unit.
func refused(err error) error {
	return hal.Refused(err, "audio", "char-116 rw")
}

// parsePCM takes a line of /proc/asound/pcm apart:
//
//	00-00: Loopback PCM : Loopback PCM : playback 8 : capture 8
func parsePCM(line string) (p pcm, ok bool) {
	number, text, ok := strings.Cut(line, ": ")
	if !ok {
		return pcm{}, false
	}
	c, d, ok := strings.Cut(number, "-")
	var errCard, errDevice error
	p.card, errCard = strconv.Atoi(c)
	p.device, errDevice = strconv.Atoi(d)
	for _, field := range strings.Split(text, " : ") {
		p.fields = append(p.fields, strings.TrimSpace(field))
	}
	return p, ok && errCard == nil && errDevice == nil
}

// listPulse asks the PulseAudio server, when there is one; none is started.
func listPulse() ([]Device, error) {
	if !pulseRuns() {
		return nil, nil
	}
	ctx, err := newContext(Pulse, nil)
	if err != nil {
		return nil, nil //nolint:nilerr // no server, no libpulse: there are no such devices
	}
	defer freeContext(ctx)
	var found []Device
	for _, kind := range []malgo.DeviceType{malgo.Capture, malgo.Playback} {
		infos, err := ctx.Devices(kind)
		if err != nil {
			return found, fmt.Errorf("cannot list the PulseAudio devices: %w", err)
		}
		for _, info := range infos {
			name, _, _ := strings.Cut(string(info.ID[:]), "\x00")
			if name == "" || strings.HasSuffix(name, ".monitor") || strings.HasPrefix(name, "auto_null") {
				continue
			}
			found = append(found, Device{
				Name: name, Description: info.Name(), Backend: Pulse, id: name,
				Microphone: kind == malgo.Capture, Speaker: kind == malgo.Playback,
			})
		}
	}
	return found, nil
}

// pulseRuns looks for the server's socket, so that a machine without one does
// not load libpulse.
func pulseRuns() bool {
	if os.Getenv("PULSE_SERVER") != "" {
		return true
	}
	for _, dir := range []string{os.Getenv("XDG_RUNTIME_DIR"), "/run"} {
		if dir == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(dir, "pulse", "native")); err == nil {
			return true
		}
	}
	return false
}
