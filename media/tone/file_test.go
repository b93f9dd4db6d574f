package tone

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"callbox/hal/haltest"
)

// wavFile writes a tone of 600 Hz as a WAV file of seconds.
func wavFile(t *testing.T, rate, channels, seconds int) string {
	t.Helper()
	le := binary.LittleEndian
	n := rate * seconds * channels * 2
	h := []byte("RIFF")
	h = le.AppendUint32(h, uint32(36+n))
	h = append(h, "WAVEfmt "...)
	h = le.AppendUint32(h, 16)
	h = le.AppendUint16(h, 1) // PCM
	h = le.AppendUint16(h, uint16(channels))
	h = le.AppendUint32(h, uint32(rate))
	h = le.AppendUint32(h, uint32(rate*channels*2))
	h = le.AppendUint16(h, uint16(channels*2))
	h = le.AppendUint16(h, 16)
	h = append(h, "data"...)
	h = le.AppendUint32(h, uint32(n))
	for i := range rate * seconds {
		v := int16(8192 * math.Sin(2*math.Pi*600*float64(i)/float64(rate)))
		for range channels {
			h = le.AppendUint16(h, uint16(v))
		}
	}
	path := filepath.Join(t.TempDir(), "sound.wav")
	if err := os.WriteFile(path, h, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadFile(t *testing.T) {
	for name, tt := range map[string]struct{ rate, channels, seconds int }{
		"as the device":   {48000, 1, 1},
		"a compact disc":  {44100, 2, 2},
		"a telephone":     {8000, 1, 1},
		"six channels":    {96000, 6, 1},
		"the longest one": {8000, 1, 30},
	} {
		t.Run(name, func(t *testing.T) {
			pcm, err := ReadFile(wavFile(t, tt.rate, tt.channels, tt.seconds))
			if err != nil {
				t.Fatal(err)
			}
			if len(pcm) != tt.seconds*48000 {
				t.Errorf("%d samples, want %d", len(pcm), tt.seconds*48000)
			}
			if got := haltest.ToneLevel(pcm[4800:43200], 600); got < -13 || got > -11.5 {
				t.Errorf("the tone is at %.1f dB, want -12", got)
			}
		})
	}
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	pipe, text := filepath.Join(dir, "pipe"), filepath.Join(dir, "text.wav")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.WriteFile(text, []byte("no sound at all"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		path string
		want error
	}{
		"31 seconds":   {wavFile(t, 8000, 1, 31), ErrTooLong},
		"no WAV file":  {text, ErrFormat},
		"not there":    {filepath.Join(dir, "none.wav"), fs.ErrNotExist},
		"a directory":  {dir, ErrNoFile},
		"a named pipe": {pipe, ErrNoFile},
	} {
		t.Run(name, func(t *testing.T) {
			pcm, err := ReadFile(tt.path)
			if !errors.Is(err, tt.want) || pcm != nil {
				t.Fatalf("ReadFile = %d samples, %v; want %v", len(pcm), err, tt.want)
			}
			if !strings.Contains(err.Error(), tt.path) {
				t.Errorf("the error does not name the file: %v", err)
			}
		})
	}
}
