package media

import (
	"fmt"
	"strings"
)

// askAtMost writes into our description how much video we take: b=AS in kbit/s for
// Chromium and Safari, b=TIAS in bit/s for Firefox (RFC 8866, 5.8; RFC 3890).
func askAtMost(sdp string, video Bitrate) string {
	lines := strings.SplitAfter(sdp, "\r\n")
	var out strings.Builder
	inVideo := false
	for _, line := range lines {
		if strings.HasPrefix(line, "m=") {
			inVideo = strings.HasPrefix(line, "m=video ") && !strings.HasPrefix(line, "m=video 0 ")
		}
		out.WriteString(line)
		if inVideo && strings.HasPrefix(line, "c=") {
			fmt.Fprintf(&out, "b=AS:%d\r\nb=TIAS:%d\r\n", (int(video)+999)/1000, int(video))
		}
	}
	return out.String()
}
