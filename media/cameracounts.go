package media

import (
	"sync"

	"callbox/hal"
)

// cameraCounts are the pictures that the cameras of a call did not hand on, of each stream
// since it was opened.
type cameraCounts struct {
	mu        sync.Mutex
	now       hal.PictureCounter // nil: no camera is open, or it does not count
	bad, late uint64             // of the streams before
}

// open notes the stream that is open from now on, a hal.VideoStream or a
// hal.EncodedStream; nil when it was closed.
func (c *cameraCounts) open(stream any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now != nil {
		c.bad += c.now.BadFrames()
		c.late += c.now.LateFrames()
	}
	c.now, _ = stream.(hal.PictureCounter)
}

func (c *cameraCounts) sum() (bad, late uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	bad, late = c.bad, c.late
	if c.now != nil {
		bad += c.now.BadFrames()
		late += c.now.LateFrames()
	}
	return bad, late
}
