package devices

import (
	"context"
	"sync"
	"time"

	"callbox/hal/hotplug"
)

// lookEvery is how often a device that stands in for another one looks for it, while
// nobody tells that one was plugged in.
const lookEvery = 2 * time.Second

// lookout looks for a device that is missing, until it has come.
type lookout struct {
	found   chan struct{} // closed when it has come
	stop    context.CancelFunc
	looking sync.WaitGroup
}

// newLookout looks, by asking come, whenever one of the kind was plugged in, and now and
// then. plugs may be nil.
func newLookout(plugs *hotplug.Monitor, kind hotplug.Kind, come func() bool) *lookout {
	ctx, stop := context.WithCancel(context.Background())
	o := &lookout{found: make(chan struct{}), stop: stop}
	listener := plugs.Listen(kind) // from now on
	o.looking.Go(func() {
		defer listener.Close()
		for {
			listener.Wait(ctx, lookEvery)
			if ctx.Err() != nil {
				return
			}
			if come() {
				close(o.found)
				return
			}
		}
	})
	return o
}

// close ends the looking, and waits for it.
func (o *lookout) close() {
	o.stop()
	o.looking.Wait()
}
