//go:build e2e && bench

package e2e

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// gstSender is the C program that callbox is compared with (make build/bench/gstsender).
const gstSender = "../../../build/bench/gstsender"

// peerPage is a page that takes the sender's call: with the same camera and microphone
// as the call page, and the same element for the picture.
const peerPage = `<!doctype html><meta charset="utf-8"><title>peer</title>
<style>body { margin: 0; background: #000 } video { width: 100vw; height: 100vh; object-fit: contain }</style>
<video data-testid="remote-video" autoplay playsinline></video>
<script>
window.take = async (offer) => {
	const pc = new RTCPeerConnection(), video = document.querySelector("video");
	const own = await navigator.mediaDevices.getUserMedia({
		audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
		video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30, max: 30 } },
	});
	const got = new MediaStream();
	pc.ontrack = (e) => { got.addTrack(e.track); video.srcObject = got; };
	await pc.setRemoteDescription({ type: "offer", sdp: offer });
	for (const t of pc.getTransceivers()) {
		t.direction = "sendrecv";
		await t.sender.replaceTrack(own.getTracks().find((x) => x.kind === t.receiver.track.kind));
	}
	await pc.setLocalDescription();
	while (pc.iceGatheringState !== "complete") await new Promise((done) => setTimeout(done, 10));
	return pc.localDescription.sdp;
};
</script>`

// startPeerPage serves it, and returns its address.
func startPeerPage(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, peerPage)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// peerCall is a running call of the sender with the phone's browser.
type peerCall struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
	log   *lockedBuffer
}

// startPeerCall starts the sender and connects it with the page at url. It returns once
// both say so.
func startPeerCall(t *testing.T, p *phone, url, clip, codec string) *peerCall {
	t.Helper()
	c := &peerCall{t: t, lines: make(chan string), log: &lockedBuffer{}}
	c.cmd = exec.Command(gstSender, clip, codec, fmt.Sprint(benchBitrate), "1")
	c.cmd.Stderr = c.log
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatalf("cannot start the peer: %v; run make bench, which builds it", err)
	}
	go func() {
		defer close(c.lines)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			c.lines <- lines.Text()
		}
	}()
	offer, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.read("offer "), "offer "))
	if err != nil {
		t.Fatal(err)
	}
	p.open(url)
	answer := eval[string](p, fmt.Sprintf("window.take(%q)", offer))
	p.watchVideo()
	if _, err := fmt.Fprintf(c.in, "answer %s\n", base64.StdEncoding.EncodeToString([]byte(answer))); err != nil {
		t.Fatal(err)
	}
	c.read("connected")
	return c
}

// read waits for a line.
func (c *peerCall) read(begin string) string {
	c.t.Helper()
	timeout := time.After(20 * time.Second)
	for {
		select {
		case line, ok := <-c.lines:
			if !ok {
				_ = c.cmd.Wait()
				c.t.Fatalf("the peer ended before %q: %v\n%s", begin, c.cmd.ProcessState, c.log)
			}
			if strings.HasPrefix(line, begin) {
				return line
			}
		case <-timeout:
			_ = c.cmd.Process.Kill()
			c.t.Fatalf("the peer did not print %q\n%s", begin, c.log)
		}
	}
}

// end ends the call and the sender.
func (c *peerCall) end() {
	c.t.Helper()
	_ = c.in.Close()
	late := time.AfterFunc(10*time.Second, func() { _ = c.cmd.Process.Kill() })
	defer late.Stop()
	for range c.lines { // until it closes its output
	}
	if err := c.cmd.Wait(); err != nil {
		c.t.Errorf("the peer ended with %v\n%s", err, c.log)
	}
}
