package media

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/webrtc/v4"
)

// TestLostInARestart: the phone notices first that the way is lost and restarts ICE,
// which from then on only looks for a way. The silence is a loss all the same.
func TestLostInARestart(t *testing.T) {
	for name, tt := range map[string]struct {
		then func(l *talk) // from the restart on
		want []string
	}{
		"the phone was heard 3 s before": {
			then: func(*talk) { time.Sleep(2 * time.Second) }, want: []string{"Lost"},
		},
		"not yet": {
			then: func(*talk) { time.Sleep(2*time.Second - 1) },
		},
		"a way is found": {
			then: func(l *talk) {
				time.Sleep(time.Second)
				l.iceChanged(webrtc.ICEConnectionStateConnected)
				time.Sleep(time.Minute)
			},
		},
		"a way is found after the loss": {
			then: func(l *talk) {
				time.Sleep(3 * time.Second)
				l.iceChanged(webrtc.ICEConnectionStateConnected)
				l.heard()
			}, want: []string{"Lost", "Back"},
		},
		"the phone is heard meanwhile": {
			then: func(l *talk) {
				time.Sleep(time.Second)
				l.heard()
				time.Sleep(iceDisconnected - 1)
			},
		},
		"and not any more": {
			then: func(l *talk) {
				time.Sleep(time.Second)
				l.heard()
				time.Sleep(iceDisconnected)
			}, want: []string{"Lost"},
		},
		"ICE gives up": {
			then: func(l *talk) {
				l.iceChanged(webrtc.ICEConnectionStateFailed)
				time.Sleep(time.Minute)
			}, want: []string{"Lost"},
		},
		"again and again": {
			then: func(l *talk) {
				for range 5 {
					l.iceChanged(webrtc.ICEConnectionStateChecking)
					time.Sleep(time.Second)
				}
			}, want: []string{"Lost"},
		},
		"the session is closed": {
			then: func(l *talk) {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Minute)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newTalk(t, bubbleEngine(t, nil), false)
				l.connect()
				l.heard()
				time.Sleep(3 * time.Second)
				l.iceChanged(webrtc.ICEConnectionStateChecking)
				tt.then(l)
				l.wantTold(t, append([]string{"Connected"}, tt.want...)...)
			})
		})
	}
}

// TestRestartOfASilentPhone: of one that has sent no media, the connection itself was
// the last that was heard.
func TestRestartOfASilentPhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newTalk(t, bubbleEngine(t, nil), false)
		l.iceChanged(webrtc.ICEConnectionStateChecking) // the first search is no restart
		time.Sleep(time.Minute)
		l.iceChanged(webrtc.ICEConnectionStateConnected)
		l.connect()
		time.Sleep(iceDisconnected - time.Second)
		l.iceChanged(webrtc.ICEConnectionStateChecking)
		time.Sleep(time.Second - 1)
		l.wantTold(t, "Connected")
		time.Sleep(time.Nanosecond)
		l.wantTold(t, "Connected", "Lost")
		l.iceChanged(webrtc.ICEConnectionStateConnected)
		l.wantTold(t, "Connected", "Lost", "Back")
	})
}
