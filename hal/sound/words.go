package sound

import (
	"fmt"
	"strings"
	"sync"
)

// lastWords keeps what a back end of miniaudio has said last: which step has failed is
// not in the error.
type lastWords struct {
	mu   sync.Mutex
	text string
}

// note takes a message, from any thread. Those of back ends begin with their name:
// "[ALSA] Failed to set hardware parameters. snd_pcm_hw_params() failed."
func (w *lastWords) note(message string) {
	if !strings.HasPrefix(message, "[") {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = strings.TrimRight(message, " .\n")
}

// explain adds the words to an error.
func (w *lastWords) explain(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.text == "" {
		return err
	}
	return fmt.Errorf("%w (%s)", err, w.text)
}
