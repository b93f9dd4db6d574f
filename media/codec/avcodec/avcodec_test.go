package avcodec

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/pion/mediadevices/pkg/codec"

	"callbox/media/codec/avcodec/plugintest"
	"callbox/media/codec/codectest"
	"callbox/media/codec/openh264"
	"callbox/media/codec/picture"
)

func newDecoder() (picture.Decoder, error) { return openh264.NewDecoder() }

func newEncoder(p picture.Params) (picture.Encoder, error) {
	return library.NewEncoder(plugintest.Software, p, newDecoder)
}

// newFixed is an encoder that must be opened anew for another bitrate, as hardware is.
func newFixed(p picture.Params) (picture.Encoder, error) {
	e, err := faulty.NewEncoder("fixed", p, newDecoder)
	if err != nil {
		return nil, err
	}
	return e, nil
}

func tested(new func(picture.Params) (picture.Encoder, error)) codectest.Codec {
	return codectest.Codec{
		NewEncoder: new, NewDecoder: newDecoder,
		Builder: func(frameRate float64, bitrate int, keyframeInterval time.Duration) picture.Builder {
			return picture.Builder{
				Codec: codec.NewRTPH264Codec(90000), New: new,
				FrameRate: frameRate, Bitrate: bitrate, KeyframeInterval: keyframeInterval,
			}
		},
	}
}

// TestEncoder runs what every encoder must do with libavcodec's own.
func TestEncoder(t *testing.T) { tested(newEncoder).Test(t) }

// TestFixedEncoder runs it with one that is opened anew for another bitrate.
func TestFixedEncoder(t *testing.T) { tested(newFixed).Test(t) }

func TestMemoryIsGivenBack(t *testing.T) { tested(newEncoder).MemoryIsGivenBack(t) }

func BenchmarkEncode720p(b *testing.B) { tested(newEncoder).Encode720p(b) }

// TestMissing: what is not the plugin is not taken for it.
func TestMissing(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "callbox-avcodec.so")); !errors.Is(err, ErrMissing) {
		t.Errorf("no file: %v, want ErrMissing", err)
	}
	if _, err := Open(""); !errors.Is(err, ErrMissing) {
		t.Errorf("no path: %v, want ErrMissing", err)
	}
	text := filepath.Join(t.TempDir(), "text.so")
	if err := os.WriteFile(text, []byte("it is none"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, "/lib/" + triplets()[runtime.GOARCH] + "/libm.so.6"} {
		if _, err := Open(path); err == nil || errors.Is(err, ErrMissing) {
			t.Errorf("%s: %v, want what is wrong with it", path, err)
		}
	}
}

// TestNoSuchEncoder: names that libavcodec does not have, or has for something else.
func TestNoSuchEncoder(t *testing.T) {
	for _, name := range []string{"", "h264_thereisnone", "libvpx", "h264"} {
		e, err := library.NewEncoder(name, codectest.Params(640, 480), newDecoder)
		if err == nil {
			e.Close()
			t.Errorf("%q was opened", name)
		}
	}
}

func TestStreamIsConstrainedBaseline(t *testing.T) {
	highest := 1080
	if testing.Short() {
		highest = 720 // an emulator would look like a driver that hangs
	}
	codectest.ConstrainedBaseline(t, newEncoder, highest)
}
