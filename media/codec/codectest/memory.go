package codectest

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// anonymous is the memory of the process that no file stands behind, in kB.
func anonymous(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	p, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skipf("cannot tell how much memory is used: %v", err)
	}
	for line := range strings.Lines(string(p)) {
		if n := 0; strings.HasPrefix(line, "RssAnon:") {
			if _, err := fmt.Sscanf(line, "RssAnon: %d kB", &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Skip("this kernel does not say how much memory is anonymous")
	return 0
}

// MemoryIsGivenBack runs calls in a row on whatever threads Go has. None of
// them may keep a codec's memory, some 30 MB, when the codec ends.
func (c Codec) MemoryIsGivenBack(t *testing.T) {
	const threads, w, h = 8, 1280, 720
	img := Picture(w, h, 0)
	use := func() error { // an encoder and a decoder for a few pictures
		enc, err := c.NewEncoder(Params(w, h))
		if err != nil {
			return err
		}
		defer closeAll(t, enc)
		dec, err := c.NewDecoder()
		if err != nil {
			return err
		}
		defer closeAll(t, dec)
		for n := range 4 {
			f, err := enc.Encode(img, time.Duration(n)*FrameTime)
			if err != nil {
				return err
			}
			if _, err := dec.Decode(f.Data); err != nil {
				return err
			}
		}
		return nil
	}
	turns, done := make(chan struct{}), make(chan error)
	defer close(turns)
	for range threads { // all alive, so that each has an arena of its own
		go func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			for range turns {
				done <- use()
			}
		}()
	}
	turn := func() {
		t.Helper()
		turns <- struct{}{}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	turn() // what is made once
	before := anonymous(t)
	for n := range 2 * threads {
		turn()
		if more := anonymous(t) - before; more > 5_000 {
			t.Fatalf("%d kB more than after the first codecs, after %d others", more, n+1)
		}
	}
}

// OpensSmall holds that an encoder for 1280x720 takes no more than most kB of memory
// before its first picture.
func (c Codec) OpensSmall(t *testing.T, most int) {
	if sanitized {
		t.Skip("AddressSanitizer has a malloc of its own")
	}
	const w, h = 1280, 720
	once, err := c.NewEncoder(Params(w, h)) // what is made once
	if err != nil {
		t.Fatal(err)
	}
	closeAll(t, once)
	before := anonymous(t)
	enc, err := c.NewEncoder(Params(w, h))
	if err != nil {
		t.Fatal(err)
	}
	defer closeAll(t, enc)
	if more := anonymous(t) - before; more > most {
		t.Errorf("an encoder that was just opened takes %d kB, want at most %d", more, most)
	}
}
