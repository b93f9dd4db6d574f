//go:build device

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callbox/daemon/control"
	"callbox/hal/devices"
)

// screenUnit is callboxd in the machine, for the tests of its screens.
const screenUnit = "callboxd-screen"

// guestScreen is a screen of the machine: what the emulator calls it, its size, how it
// hangs, and which codec the phone's pictures have that it shows.
type guestScreen struct {
	id            string
	width, height int
	rotate        int
	codec         string
}

// The machine's screens: a plain framebuffer (bochs-drm), and one that is on its side
// and shows only what is flushed (virtio-gpu).
var (
	bochsScreen  = guestScreen{"bochs", 1024, 768, 0, "h264"}
	virtioScreen = guestScreen{"virtio", 800, 1280, 90, "vp8"}
)

// guestScreens are the emulator's arguments for them.
func guestScreens() string {
	return fmt.Sprintf("-device bochs-display,id=%s,edid=on,xres=%d,yres=%d -device virtio-gpu-pci,id=%s,xres=%d,yres=%d",
		bochsScreen.id, bochsScreen.width, bochsScreen.height, virtioScreen.id, virtioScreen.width, virtioScreen.height)
}

// testScreens: on both screens of the machine a person sees the phone's picture, who it
// is, and how long the call may last; one that is pulled out comes back.
func testScreens(t *testing.T, m *machine, forward string) {
	for _, s := range []guestScreen{bochsScreen, virtioScreen} {
		t.Run(s.id, func(t *testing.T) {
			t.Run("driver", func(t *testing.T) { testScreenDriver(t, m.of(t), forward, s) })
			t.Run("call", func(t *testing.T) { testScreen(t, m.of(t), forward, s) })
		})
	}
}

// testScreenDriver runs the driver's tests with a screen: the conformance suite, and what
// happens when another program has it.
func testScreenDriver(t *testing.T, m *machine, forward string, s guestScreen) {
	file := filepath.Join(t.TempDir(), "drm.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags=device", "-o", file, "callbox/hal/drm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("cannot build the tests of hal/drm: %v\n%s", err, out)
	}
	m.must(patience, "put", file, "/opt/")
	m.wantPass(2*time.Minute, "env", "CALLBOX_TEST_DISPLAY="+newGuest(t, m, forward).connector(s), "/opt/drm.test", "-test.v", "-test.run", "^TestDevice$")
}

func testScreen(t *testing.T, m *machine, forward string, s guestScreen) {
	g := newGuest(t, m, forward)
	connector := g.connector(s)
	g.startScreen(s, connector)
	g.waitAnswer()
	g.wantDisplay(control.StateOK, connector)

	p := startPhone(t, phoneOptions{tone: 440, cameras: 2}) // the browser's own camera: green, with a Pac-Man
	p.openPastWarning("https://" + forward + "/")
	p.pair(g.device, "Anna")
	p.click("call-video")
	g.waitState("ringing", patience)
	ctl[any](g.device, "answer")
	p.waitEvent("startVoip", patience)
	first := g.wantPicture(s, "screen-"+s.id)
	if l := g.link(); l.ReceiveCodec != s.codec {
		t.Errorf("the screen shows pictures of %q, want %q", l.ReceiveCodec, s.codec)
	}
	seen := upright(first, s.rotate)
	place := green(seen)
	at := seen.RGBAAt(place.Min.X+place.Dx()*9/10, place.Min.Y+place.Dy()*3/10)
	if sent := eval[[]int](p, ownPixel); abs(float64(sent[0])-float64(at.R))+abs(float64(sent[1])-float64(at.G))+abs(float64(sent[2])-float64(at.B)) > 24 {
		t.Errorf("what the phone sees as %v is %v on the screen", sent, at)
	}
	eventually(t, patience, "the picture moves", func() bool { return differ(first, g.screen(s)) > 100 })

	// What is written to the connector's status is what the kernel believes of the cable.
	cable := "/sys/class/drm/card*-" + connector + "/status"
	g.sh("echo off > " + cable)
	eventually(t, patience, "the screen does not show the call", func() bool { return green(upright(g.screen(s), s.rotate)).Empty() })
	g.wantDisplay(control.StateProblem, "no screen is connected")
	if now := g.status().State; now != "talking" {
		t.Fatalf("without a screen the call is %s", now)
	}
	g.sh("echo detect > " + cable)
	g.wantPicture(s, "screen-"+s.id+"-back")

	p.click("hang-up")
	g.waitState("idle", patience)
	eventually(t, patience, "the screen is as it was", func() bool { return green(upright(g.screen(s), s.rotate)).Empty() })
	g.wantDisplay(control.StateOK, connector)
}

// ownPixel is JavaScript that reads a pixel of the phone's own picture, where its camera
// has nothing that moves.
const ownPixel = `(() => {
  const video = document.querySelector('[data-testid="local-video"]');
  const canvas = new OffscreenCanvas(100, 100);
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0, 100, 100);
  return [...context.getImageData(90, 30, 1, 1).data].slice(0, 3);
})()`

// startScreen starts callboxd under the unit that the package has, as the user that it
// makes, with nothing but the screen.
func (g *guest) startScreen(s guestScreen, connector string) {
	g.t.Helper()
	m := g.m
	file := filepath.Join(g.t.TempDir(), "screen.yaml")
	config := fmt.Sprintf(`
device: {sn: screen-%s, name: Rig door}
signaling:
  direct: {listen: ":8443", names: [127.0.0.1], origins: ["https://%s"]}
hal:
  camera: {name: none}
  microphone: {name: none}
  speaker: {name: none}
  display: {name: %s, rotate: %d}
call: {max_duration: 10m, tones: false}
media: {receive_bitrate: 300kbit, video_codecs: [%s]}
log: {level: info, format: json}
`, s.id, g.forward, connector, s.rotate, s.codec)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		g.t.Fatal(err)
	}
	root := filepath.Join("..", "..", "..")
	m.must(patience, "put", filepath.Join(binaries, "callboxd"), filepath.Join(binaries, "callboxctl"), file,
		filepath.Join(root, "systemd", "callbox.service"), filepath.Join(root, "packaging", "debian", "callbox.sysusers"), "/opt/")
	g.t.Cleanup(func() {
		if g.t.Failed() {
			out, _ := m.run(patience, "exec", "journalctl", "--no-pager", "-o", "cat", "-u", screenUnit) // all there is
			g.t.Logf("log of callboxd:\n%s", out)
		}
		if _, err := m.run(patience, "exec", "systemctl", "stop", screenUnit); err != nil {
			g.t.Errorf("%s does not stop: %v", screenUnit, err)
		}
	})
	g.sh(fmt.Sprintf(`set -e
chmod 644 /opt/screen.yaml
systemd-sysusers /opt/callbox.sysusers
sed 's|/usr/bin/callboxd run|/opt/callboxd run --config /opt/screen.yaml|; s|/usr/bin|/opt|; s|^StateDirectory=callbox$|&-screen-%s|' /opt/callbox.service >/run/systemd/system/%s.service
systemctl daemon-reload
systemctl start %[2]s`, s.id, screenUnit))
}

// link is what the device tells of the running talk.
func (g *guest) link() control.Link {
	g.t.Helper()
	s := ctl[control.Status](g.device, "status")
	if s.Call == nil || s.Call.Link == nil {
		g.t.Fatalf("the device tells nothing of a talk: %+v", s.Call)
	}
	return *s.Call.Link
}

// connector is the name of a screen in the machine.
func (g *guest) connector(s guestScreen) string {
	g.t.Helper()
	size := fmt.Sprintf("%dx%d", s.width, s.height)
	name := g.sh(fmt.Sprintf("cd /sys/class/drm; for c in card*-*; do [ $(head -n1 $c/modes) = %s ] && echo ${c#card*-}; done; true", size))
	if name == "" || strings.Contains(name, "\n") {
		g.t.Fatalf("the machine's screen of %s is %q", size, name)
	}
	return name
}

// wantDisplay wants doctor to say so of the display.
func (g *guest) wantDisplay(state, message string) {
	g.t.Helper()
	var told control.Finding
	eventually(g.t, patience, fmt.Sprintf("doctor says of the display %q: %s", state, message), func() bool {
		out, _ := g.tryCtl("doctor") // exit code 6: other things are missing
		for _, f := range fromJSON[[]control.Finding](g.t, out) {
			if f.Name == string(devices.Display) {
				told = f
			}
		}
		return told.State == state && strings.Contains(told.Message, message)
	})
}

// wantPicture waits until the screen shows the phone's picture between black bars, and
// the caption below left, and keeps it for people to look at.
func (g *guest) wantPicture(s guestScreen, name string) image.Image {
	g.t.Helper()
	var shown image.Image
	var place, box image.Rectangle
	eventually(g.t, 2*patience, "the screen shows the phone's picture", func() bool {
		shown = g.screen(s)
		seen := upright(shown, s.rotate)
		place, box = green(seen), caption(seen)
		return !place.Empty() && !box.Empty()
	})
	g.keep(upright(shown, s.rotate), name)
	seen := upright(shown, s.rotate).Bounds()
	g.t.Logf("%s: of %v the picture has %v, the caption %v", s.id, seen.Size(), place, box)
	// The browser's camera has 4:3 or 16:9; the page chooses.
	ratio := float64(place.Dx()) / float64(place.Dy())
	if off := min(abs(ratio-4.0/3), abs(ratio-16.0/9)); off > 0.02 {
		g.t.Errorf("the picture has the aspect %.3f", ratio)
	}
	if place.Dx() < seen.Dx()-2 && place.Dy() < seen.Dy()-2 {
		g.t.Errorf("the picture fills neither side of the screen: %v of %v", place, seen)
	}
	if off := abs(float64(place.Min.X+place.Max.X-seen.Dx())) + abs(float64(place.Min.Y+place.Max.Y-seen.Dy())); off > 6 {
		g.t.Errorf("the picture is not in the middle: %v of %v", place, seen)
	}
	if size := min(seen.Dx(), seen.Dy()) / 22; box.Min.X != size || seen.Max.Y-box.Max.Y != size || box.Dx() < 4*size || box.Dx() > 12*size {
		g.t.Errorf("the caption is at %v", box)
	}
	return shown
}

func abs(v float64) float64 { return max(v, -v) }

// screen is what the emulator shows on a screen at the moment.
func (g *guest) screen(s guestScreen) image.Image {
	g.t.Helper()
	file := filepath.Join(g.t.TempDir(), "screen.ppm")
	g.m.must(patience, "mon", "screendump "+file+" "+s.id)
	var m image.Image
	eventually(g.t, patience, "the emulator has written the screen", func() bool {
		f, err := os.Open(file)
		if err != nil {
			return false
		}
		defer f.Close()
		m, err = readPPM(f)
		return err == nil
	})
	return m
}

// readPPM reads a binary PPM of 8 bits.
func readPPM(from io.Reader) (image.Image, error) {
	r := bufio.NewReader(from)
	var w, h, most int
	if _, err := fmt.Fscanf(r, "P6\n%d %d\n%d\n", &w, &h, &most); err != nil {
		return nil, err
	}
	row := make([]byte, 3*w)
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		if _, err := io.ReadFull(r, row); err != nil {
			return nil, err
		}
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{row[3*x], row[3*x+1], row[3*x+2], 255})
		}
	}
	return m, nil
}

// upright is what a person sees of a screen that hangs so that pictures are turned
// clockwise for it.
func upright(m image.Image, turned int) *image.RGBA {
	w, h := m.Bounds().Dx(), m.Bounds().Dy()
	if turned == 90 {
		out := image.NewRGBA(image.Rect(0, 0, h, w))
		for y := range w {
			for x := range h {
				out.Set(x, y, m.At(w-1-y, x))
			}
		}
		return out
	}
	out := image.NewRGBA(m.Bounds())
	for y := range h {
		for x := range w {
			out.Set(x, y, m.At(x, y))
		}
	}
	return out
}

// green is where the picture of the browser's camera is: rows and columns of which a
// third is green. Empty: it is not there.
func green(m *image.RGBA) image.Rectangle {
	return where(m, 0.33, func(c color.RGBA) bool { return int(c.G) > int(c.R)+50 && int(c.G) > int(c.B)+50 })
}

// caption is where the box of the caption is.
func caption(m *image.RGBA) image.Rectangle {
	return where(m, 0.02, func(c color.RGBA) bool { return c == color.RGBA{0x1c, 0x1c, 0x1c, 255} })
}

// where is the rectangle of the rows and columns of which at least such a share is so.
func where(m *image.RGBA, share float64, is func(color.RGBA) bool) image.Rectangle {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	rows, columns := make([]int, h), make([]int, w)
	for y := range h {
		for x := range w {
			if is(m.RGBAAt(x, y)) {
				rows[y]++
				columns[x]++
			}
		}
	}
	span := func(counts []int, of int) (from, to int) {
		from = -1
		for i, n := range counts {
			if float64(n) >= share*float64(of) {
				if from < 0 {
					from = i
				}
				to = i + 1
			}
		}
		return max(from, 0), to
	}
	x0, x1 := span(columns, h)
	y0, y1 := span(rows, w)
	return image.Rect(x0, y0, x1, y1)
}

// differ is in how many pixels two pictures differ.
func differ(a, b image.Image) (n int) {
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if a.At(x, y) != b.At(x, y) {
				n++
			}
		}
	}
	return n
}

// keep writes a picture into build/screens.
func (g *guest) keep(m image.Image, name string) {
	g.t.Helper()
	file := filepath.Join(binaries, "..", "screens", name+".png")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		g.t.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		g.t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		g.t.Fatal(err)
	}
	g.t.Logf("the screen: %s", file)
}

// fromJSON reads what callboxctl has printed; nothing while it printed none.
func fromJSON[T any](t testing.TB, text []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Logf("no JSON yet: %v", err)
	}
	return v
}
