//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestRingThree: the device calls three phones at once, each a browser of its own. One
// answers, and the other two stop within a second, with answeredElsewhere.
func TestRingThree(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	names := []string{"Anna", "Bert", "Cleo"}
	phones := make([]*phone, len(names))
	for i, name := range names {
		phones[i] = startPhone(t, phoneOptions{tone: 500 + 100*float64(i), flags: []chromedp.ExecAllocatorOption{d.reachedFrom(fmt.Sprintf("127.0.0.%d", 2+i))}})
		phones[i].pair(d, name)
		phones[i].watchToasts()
	}
	d.dial("video", names...)
	rooms := map[string]bool{}
	rings := make([]voipEvent, len(phones))
	for i, p := range phones {
		rings[i] = p.waitEvent("ringing", 10*time.Second)
		rooms[rings[i].RoomID] = true
		p.waitVisible("answer", 5*time.Second)
	}
	if len(rooms) != len(phones) {
		t.Errorf("%d rooms for %d phones", len(rooms), len(phones))
	}
	bert, room := phones[1], rings[1].RoomID
	bert.click("answer")
	start := bert.waitEventOf("startVoip", room, 15*time.Second)
	for _, i := range []int{0, 2} {
		p := phones[i]
		end := p.wantEnd(t, rings[i].RoomID, "cancelVoip", map[string]any{"cause": "answeredElsewhere", "status": "other"})
		if late := end.At.Sub(start.At); late > time.Second {
			t.Errorf("the phone of %s stopped %v after the start", names[i], late)
		}
		p.wantToast(t, "end_answeredElsewhere", end)
		p.wantNoRing(t)
	}
	d.waitState("talking", 5*time.Second)
	bert.click("hang-up")
	bert.wantEnd(t, room, "hangUpVoip", map[string]any{"status": "endByListener"})
	d.waitState("idle", 5*time.Second)
	if r := d.lastCall(); r.RoomID != room || r.Contact != "Bert" || r.Cause != "hangup" {
		t.Errorf("record = %+v", r)
	}
}

// reachedFrom lets a browser reach the device from an address of its own, as each phone in
// a house has one: the device takes 16 connections from one (signaling/direct), and three
// pages, of which each leaves up to 6 idle for half a minute, would need more.
func (d *device) reachedFrom(address string) chromedp.ExecAllocatorOption {
	d.t.Helper()
	page, err := url.Parse(d.page())
	if err != nil {
		d.t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		d.t.Fatal(err)
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	var work sync.WaitGroup
	work.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return // closed
			}
			out, err := dialer.Dial("tcp", page.Host)
			if err != nil {
				in.Close()
				continue
			}
			for _, way := range [][2]net.Conn{{in, out}, {out, in}} {
				work.Go(func() {
					_, _ = io.Copy(way[0], way[1]) // until either end closes
					in.Close()
					out.Close()
				})
			}
		}
	})
	d.t.Cleanup(func() { l.Close(); work.Wait() }) // the browser has ended, and the device runs: its phones have gone
	return chromedp.Flag("host-resolver-rules", fmt.Sprintf("MAP %s %s", page.Host, l.Addr()))
}
