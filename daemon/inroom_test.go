package daemon

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"callbox/hal"
)

// TestLinesOfACallNameItsRoom: those of the buttons, the light and the control API, too,
// and only while it runs.
func TestLinesOfACallNameItsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, nil)
		defer s.end()
		var out bytes.Buffer
		base := zerolog.New(&out)
		s.inLoop(func() { s.loop.log = base })
		others := s.loop.room.log(base)
		line := func() (fields map[string]any) {
			text := strings.TrimSpace(out.String())
			out.Reset()
			last := text[strings.LastIndexByte(text, '\n')+1:]
			if err := json.Unmarshal([]byte(last), &fields); err != nil {
				t.Fatalf("%q: %v", last, err)
			}
			if n := strings.Count(last, `"room_id"`); n > 1 {
				t.Errorf("the room stands %d times in %s", n, last)
			}
			return fields
		}
		says := func(when string, want any) {
			t.Helper()
			others.Info().Msg("light")
			if got := line()["room_id"]; got != want {
				t.Errorf("%s another part's line has the room %v", when, got)
			}
			s.inLoop(func() { s.loop.press(hal.Press{Button: "bell", Action: hal.ActionEvent}) })
			if got := line()["room_id"]; got != want {
				t.Errorf("%s a button's line has the room %v", when, got)
			}
		}
		says("before a call", nil)
		s.receive(theOffer("r"))
		synctest.Wait()
		says("in a call", "r")
		if err := s.backend.HangUp(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		says("after the call", nil)
	})
}
