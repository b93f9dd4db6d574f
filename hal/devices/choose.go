package devices

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/rs/zerolog"

	"callbox/hal"
)

// chooser chooses cameras, microphone and speaker, and again whenever it is asked:
// they come and go while the daemon runs.
type chooser struct {
	options hal.Options
	find    Finders
	log     zerolog.Logger

	looking sync.Mutex // one look at a time, so that the later one counts

	mu      sync.Mutex
	started bool            // what changes is told
	seen    map[Kind]string // the last real device that auto has chosen
	chosen  []Choice        // the cameras, the microphone, the speaker
}

func newChooser(o hal.Options, find Finders, log zerolog.Logger) *chooser {
	return &chooser{options: o, find: find, log: log, seen: map[Kind]string{}, chosen: make([]Choice, 1+len(o.MoreCameras)+2)}
}

// start has what changes from now on told to the log.
func (c *chooser) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = true
}

// last is what the last look has chosen: the cameras, the microphone, the speaker.
func (c *chooser) last() []Choice {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.chosen)
}

// camera is the first camera, as the last look has chosen it.
func (c *chooser) camera() Choice { return c.last()[0] }

// sound are microphone and speaker, as the last look has chosen them.
func (c *chooser) sound() (microphone, speaker Choice) {
	all := c.last()
	return all[len(all)-2], all[len(all)-1]
}

// lookForCameras looks which cameras there are, and chooses: the first, and those
// beside it.
func (c *chooser) lookForCameras() []Choice {
	c.looking.Lock()
	defer c.looking.Unlock()
	o := c.options
	found, problems := c.find.Cameras()
	now := []Choice{c.choose(Camera, o.Camera.Name, without(found, o.MoreCameras), problems)}
	for _, m := range o.MoreCameras {
		now = append(now, c.choose(Camera, m.Name, found, problems))
	}
	c.note(0, now)
	return now
}

// lookForSound looks which sound devices there are, and chooses.
func (c *chooser) lookForSound() (microphone, speaker Choice) {
	c.looking.Lock()
	defer c.looking.Unlock()
	found, problems := c.find.Sounds()
	microphone = c.choose(Microphone, c.options.Microphone.Name, found, problems)
	speaker = c.choose(Speaker, c.options.Speaker.Name, prefer(found, microphone), problems)
	c.note(1+len(c.options.MoreCameras), []Choice{microphone, speaker})
	return microphone, speaker
}

// all chooses everything: the cameras, the microphone, the speaker, the display.
func (c *chooser) all() []Choice {
	cameras := c.lookForCameras()
	microphone, speaker := c.lookForSound()
	return append(slices.Clone(cameras), microphone, speaker, chooseDisplay(c.options.Display, c.find.Screens))
}

// note remembers choices, the first of which has this place, and tells what has changed.
func (c *chooser) note(place int, now []Choice) {
	var changed []Choice
	c.mu.Lock()
	for i, choice := range now {
		if c.started && choice != c.chosen[place+i] {
			changed = append(changed, choice)
		}
		c.chosen[place+i] = choice
	}
	c.mu.Unlock()
	for _, choice := range changed { // nobody waits for a log that is slow
		choice.tell(c.log)
	}
}

// choose is choose, where auto does not forget a device that it has had: until one is
// there again no virtual one stands in for it.
func (c *chooser) choose(kind Kind, wanted string, found []Found, problems error) Choice {
	one := choose(kind, wanted, found, problems)
	if one.Wanted != hal.NameAuto {
		return one
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch had := c.seen[kind]; {
	case !one.Virtual:
		c.seen[kind] = one.Chosen
	case had != "":
		one.Chosen, one.Virtual, one.Missing = had, false, true
		one.Reason = notThere(kind, had, nil, problems)
	}
	return one
}

// choose finds the device for a configured name; "" means auto.
func choose(kind Kind, wanted string, found []Found, problems error) Choice {
	wanted = cmp.Or(wanted, hal.NameAuto)
	c := Choice{Kind: kind, Wanted: wanted, Chosen: wanted}
	var names []string
	var meant *Found // by wanted
	for i, f := range found {
		if f.Kind != kind {
			continue
		}
		names = append(names, f.Name)
		if meant == nil && f.named(wanted) {
			meant = &found[i]
		}
	}
	switch {
	case wanted == hal.NameNone:
	case wanted == hal.NameVirtual:
		c.Virtual = true
	case wanted == hal.NameAuto && len(names) > 0:
		c.Chosen = names[0]
	case wanted == hal.NameAuto:
		c.Chosen, c.Virtual = hal.NameVirtual, true
		c.Reason = with(fmt.Sprintf("no %s was found", kind), problems)
	case meant == nil:
		c.Missing, c.Reason = true, notThere(kind, wanted, names, problems)
	case !meant.bySocket(wanted):
		c.Stable = meant.Stable
	}
	return c
}

// Unsure says why Stable is the better name; "" when Wanted is good.
func (c *Choice) Unsure() string {
	if c.Stable == "" {
		return ""
	}
	return fmt.Sprintf("%s is the name of one of several equal devices, and may be that of another one after a restart", c.Wanted)
}

// notThere says that a device is missing, and which there are.
func notThere(kind Kind, name string, names []string, problems error) string {
	text := fmt.Sprintf("%s %q is not there", kind, name)
	if len(names) > 0 {
		text += "; found: " + strings.Join(names, ", ")
	}
	return with(text, problems)
}

// with adds to text in one line what could not be asked.
func with(text string, problems error) string {
	if problems == nil {
		return text
	}
	return text + ": " + strings.ReplaceAll(problems.Error(), "\n", "; ")
}

// without takes out what is chosen beside the first camera, so that auto does not
// choose it, too.
func without(found []Found, more []hal.MoreCameraOptions) []Found {
	return slices.DeleteFunc(slices.Clone(found), func(f Found) bool {
		return f.Kind == Camera && slices.ContainsFunc(more, func(m hal.MoreCameraOptions) bool { return f.named(m.Name) })
	})
}

// prefer puts the speaker that belongs to the chosen microphone first, then
// those of the same driver: one device drives both.
func prefer(found []Found, microphone Choice) []Found {
	driver := ""
	for _, f := range found {
		if f.Kind == Microphone && f.named(microphone.Chosen) {
			driver = f.Driver
		}
	}
	rank := func(f Found) int {
		switch {
		case f.Driver != driver:
			return 2
		case !f.named(microphone.Chosen):
			return 1
		}
		return 0
	}
	sorted := slices.Clone(found)
	slices.SortStableFunc(sorted, func(a, b Found) int { return cmp.Compare(rank(a), rank(b)) })
	return sorted
}
