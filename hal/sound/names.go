package sound

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Named reports whether the device has that name, among others.
func (d Device) Named(name string) bool { return name == d.Name || slices.Contains(d.Also, name) }

// card is a sound card of the kernel.
type card struct {
	number int
	id     string
}

// name gives the devices of a card their names.
func (c card) name(d *Device, device int, links cardLinks, others []card) {
	d.card, d.Name = c.id, fmt.Sprintf("%s,%d", c.id, device)
	for _, link := range slices.Concat(links.byID[c.number], links.byPath[c.number]) {
		d.Also = append(d.Also, fmt.Sprintf("%s,%d", link, device))
	}
	paths := links.byPath[c.number]
	if len(paths) > 0 && slices.ContainsFunc(others, func(other card) bool {
		return other.number != c.number && (madeFrom(c.id, other.id) || madeFrom(other.id, c.id))
	}) {
		d.Stable = fmt.Sprintf("%s,%d", paths[0], device)
	}
}

// maxID is how many bytes the id of a card has at most.
const maxID = 15

// madeFrom says whether the kernel made an id from another one that was taken: it adds
// _1, _2 … in hexadecimal, and cuts off what is too long for that (snd_card_set_id).
// Which of the cards gets which depends on the order in which they are found.
func madeFrom(id, taken string) bool {
	i := strings.LastIndexByte(id, '_')
	if i < 0 {
		return false
	}
	base, number := id[:i], id[i+1:]
	return number != "" && number[0] != '0' && strings.Trim(number, "0123456789ABCDEF") == "" &&
		(taken == base || len(id) == maxID && strings.HasPrefix(taken, base))
}

// cardLinks are the names of udev's links to cards, by the cards' numbers, sorted.
type cardLinks struct{ byID, byPath map[int][]string }

// findCardLinks reads the links under dir, /dev/snd. Without udev there are none.
func findCardLinks(dir string) cardLinks {
	return cardLinks{byID: linksIn(filepath.Join(dir, "by-id")), byPath: linksIn(filepath.Join(dir, "by-path"))}
}

func linksIn(dir string) map[int][]string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	names := map[int][]string{}
	for _, e := range entries {
		target, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			continue
		}
		var number int
		if _, err := fmt.Sscanf(filepath.Base(target), "controlC%d", &number); err == nil {
			names[number] = append(names[number], e.Name())
		}
	}
	return names
}
