//go:build packaged

package packaged

import (
	"flag"
	"fmt"
	"strings"
	"testing"
)

var encoders = flag.String("encoders", "", "as -systems, with libavcodec in the folders, and =PACKAGE of the hardware encoders behind")

// TestEncoders installs the hardware encoders beside the daemon: under the unit, with all
// that it forbids, an encoder of libavcodec (that for the processor, in the place of
// hardware) is opened, tried and chosen.
func TestEncoders(t *testing.T) {
	machines := 0
	for one := range strings.FieldsSeq(*encoders) {
		words := strings.Split(one, "=")
		if len(words) != 4 {
			t.Fatalf("-encoders has %q, which is not RELEASE=FOLDER=PACKAGE=PACKAGE", one)
		}
		machines++
		t.Run(words[0], func(t *testing.T) {
			l := &life{machine: boot(t, words[1], nil), top: t, deb: words[2]}
			l.install()
			l.write("/etc/callbox/callbox.yaml", `
hal:
  camera: {name: virtual, size: 320x240, frame_rate: 10}
media: {encoder: libx264}
`)
			l.run("systemctl", "restart", "callbox")
			l.encoder("openh264 (callbox-avcodec.so is not there; install the package callbox-hwenc)")
			if out, err := l.apt(words[3]); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if out := l.run("cat", "/usr/share/callbox/callbox-hwenc.cdx.json"); !strings.Contains(out, "pkg:deb/debian/libavcodec") {
				t.Errorf("libavcodec is not in the bill of materials: %s", out)
			}
			l.run("systemctl", "restart", "callbox")
			l.encoder("libx264 (", " ms a picture, libavcodec ")
			l.untilJournal("hardware encoder chosen")
			// An upgrade of callbox alone, as the guide has it, leaves them where they are.
			if out, err := l.apt(l.newer()); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			l.encoder("libx264 (", " ms a picture, libavcodec ")
			if got := l.show("NRestarts"); got != "0" {
				t.Errorf("the daemon was started %s times more", got)
			}
			l.run("apt-get", "-y", "purge", "callbox-hwenc")
			l.untilShow("ActiveState", "active")
			if out, err := l.try("sh", "-c", "ls -d /usr/lib/*/callbox"); err == nil {
				t.Errorf("its folder is left: %s", out)
			}
		})
	}
	if machines == 0 {
		t.Fatal("-encoders names no release; make test-package does")
	}
}

// encoder waits until the daemon says that it uses an encoder.
func (l *life) encoder(texts ...string) {
	l.t.Helper()
	l.until("the encoder is "+texts[0], func() error {
		out, err := l.try("callboxctl", "devices")
		if err != nil {
			return err
		}
		for line := range strings.Lines(out) {
			if !strings.HasPrefix(strings.TrimSpace(line), "encoder") {
				continue
			}
			for _, text := range texts {
				if !strings.Contains(line, text) {
					return fmt.Errorf("it is %s", line)
				}
			}
			return nil
		}
		return fmt.Errorf("there is none in %s", out)
	})
}
