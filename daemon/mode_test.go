package daemon

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"callbox/daemon/control"
	"callbox/daemon/control/client"
	"callbox/signaling"
)

// TestDialMode: what the configuration says counts when the request says nothing.
func TestDialMode(t *testing.T) {
	const atOnce, first = "ring ROOM anna video 1m0s; ring ROOM bert video 1m0s", "ring ROOM anna video 1m0s"
	for name, tt := range map[string]struct {
		configured bool // in turn
		mode       string
		want       string
	}{
		"together":                         {false, "", atOnce},
		"in turn":                          {true, "", first},
		"together, asked for in turn":      {false, control.InTurn, first},
		"in turn, asked for together":      {true, control.Together, atOnce},
		"in turn, and asked for in turn":   {true, control.InTurn, first},
		"together, and asked for together": {false, control.Together, atOnce},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newFamilyStage(t)
				defer s.end()
				s.inLoop(func() { s.loop.settings.dialInTurn = tt.configured })
				s.place(control.CallRequest{To: []string{"group:family"}, Mode: tt.mode})
				s.want(tt.want)
			})
		})
	}
}

// TestDialModeOverTheSocket: the API adds no mode of its own.
func TestDialModeOverTheSocket(t *testing.T) {
	s := newFamilyStage(t)
	defer s.end()
	s.inLoop(func() { s.loop.settings.dialInTurn = true })
	socket := filepath.Join(t.TempDir(), "s")
	server, err := control.Listen(control.Options{Path: socket}, s.backend, s.loop.events, zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if _, err := client.New(socket).Call(t.Context(), control.CallRequest{To: []string{"group:family"}}); err != nil {
		t.Fatal(err)
	}
	s.inLoop(func() {
		if !s.loop.state.Rings.InTurn {
			t.Error("all are rung at once")
		}
	})
}

// TestHowManyPhones: those of groups count, in either mode.
func TestHowManyPhones(t *testing.T) {
	for _, mode := range []string{control.Together, control.InTurn} {
		for n, want := range map[int]error{control.MaxPhones: nil, control.MaxPhones + 1: control.ErrBadRequest} {
			t.Run(fmt.Sprint(mode, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := newFamilyStage(t)
					defer s.end()
					s.inLoop(func() {
						s.contacts = nil
						for i := range n {
							s.contacts = append(s.contacts, signaling.Contact{
								JKT: fmt.Sprint(i), Name: fmt.Sprint("Phone ", i), Rights: []signaling.Right{signaling.RightBeCalled}, Groups: []string{"family"},
							})
						}
					})
					_, err := s.backend.Call(t.Context(), control.CallRequest{To: []string{"group:family", "Phone 0"}, Mode: mode})
					if !errors.Is(err, want) {
						t.Fatalf("Call = %v, want %v", err, want)
					}
					if want != nil && !strings.Contains(err.Error(), "cannot call 9 phones; allowed: 1 to 8") {
						t.Errorf("the error is %q", err)
					}
				})
			})
		}
	}
}
