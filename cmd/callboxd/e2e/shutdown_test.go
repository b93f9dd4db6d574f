//go:build e2e

package e2e

import (
	"syscall"
	"testing"
	"time"
)

// TestShutdown: systemd stops the daemon while somebody talks. The call ends with
// a word to the phone, the daemon with exit code 0, and the record is there when it
// starts again.
func TestShutdown(t *testing.T) {
	d := startDevice(t, deviceOptions{tone: 440})
	p := startPhone(t, phoneOptions{tone: 600})
	p.pair(d, "Anna")
	p.watchToasts()
	room := p.call(d, "call-video")
	time.Sleep(time.Second) // talk that the record must have

	before := time.Now()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-d.exited:
	case <-time.After(10 * time.Second):
		t.Fatal("callboxd runs on 10 s after SIGTERM")
	}
	if code := d.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("callboxd ended with %v", d.cmd.ProcessState)
	}
	e := p.waitEventOf("abortVoip", room, 5*time.Second)
	if e.Data["cause"] != "aborted" || e.Data["detail"] != "shutdown" || e.Data["status"] != "abortByListener" {
		t.Errorf("abortVoip = %v", e.Data)
	}
	if late := e.At.Sub(before); late > time.Second {
		t.Errorf("the phone heard of the end %v after SIGTERM", late)
	}
	p.wantToast(t, "end_shutdown", e)

	d.restart(func() {})
	if r := d.lastCall(); r.RoomID != room || r.Cause != "aborted" || r.Detail != "shutdown" || r.TalkSeconds < 1 || r.TalkSeconds > 10 {
		t.Errorf("record = %+v", r)
	}
	if calls := ctl[[]record](d, "calls"); len(calls) != 1 {
		t.Errorf("one call has %d records: %+v", len(calls), calls)
	}
}
