package clock

import (
	"container/heap"
	"encoding/binary"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// fallbackStep is how long a timer without timerfd sleeps before it looks at the
// boot clock again: a wake-up from suspend is noticed that late.
const fallbackStep = time.Second

// Boot returns the boot clock of the machine, CLOCK_BOOTTIME (clock_gettime(2)):
// it counts suspend and does not know the wall clock.
//
// All timers of one Boot share one timerfd and one goroutine, which exist only
// while a timer is pending: a clock with none left holds nothing and needs no
// Close. Where the kernel refuses the timerfd, timers run on the monotonic clock
// and look at the boot clock every second; CheckBoot tells so.
func Boot() Clock { return &bootClock{newTimer: newTimerFile} }

// CheckBoot returns an error when timers of Boot cannot use a timerfd and so may
// fire up to a second late after a suspend. The daemon logs it once.
func CheckBoot() error {
	f, err := newTimerFile()
	if err != nil {
		return err
	}
	return f.Close()
}

// newTimerFile makes a timerfd on CLOCK_BOOTTIME. It is non-blocking, so that
// os.File waits in Go's poller and Close wakes the reader.
func newTimerFile() (*os.File, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot create a boot-time timer: %w; allow timerfd_create in the seccomp filter "+
			"(SystemCallFilter=@system-service) and enough open files", err)
	}
	return os.NewFile(uintptr(fd), "timerfd"), nil
}

// bootClock keeps its timers in a heap. mu guards all fields, and it is held
// while the timerfd is armed, so that the last word on the heap arms last.
type bootClock struct {
	newTimer func() (*os.File, error)

	mu     sync.Mutex
	timers timerHeap
	file   *os.File // nil while no timer is pending
}

func (c *bootClock) Now() time.Duration { return now(unix.CLOCK_BOOTTIME) }

// now reads a clock that every supported kernel has: it cannot fail.
func now(id int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		panic(fmt.Sprintf("cannot read clock %d: %v", id, err))
	}
	return time.Duration(ts.Nano())
}

func (c *bootClock) AfterFunc(d time.Duration, f func()) func() bool {
	if d <= 0 {
		go f()
		return func() bool { return false }
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file == nil {
		file, err := c.newTimer()
		if err != nil {
			return c.fallback(d, f)
		}
		c.file = file
		go c.run(file)
	}
	t := &timer{at: c.Now() + d, f: f}
	heap.Push(&c.timers, t)
	if t.index == 0 {
		c.arm()
	}
	return func() bool { return c.stop(t) }
}

// stop takes t out of the heap; the last one takes the goroutine with it.
func (c *bootClock) stop(t *timer) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.index < 0 {
		return false
	}
	heap.Remove(&c.timers, t.index)
	c.endIfIdle()
	return true
}

// run starts what is due until the last timer is gone and file is closed.
func (c *bootClock) run(file *os.File) {
	var expirations [8]byte
	for {
		if _, err := file.Read(expirations[:]); err != nil {
			return // closed by endIfIdle: nothing else ends the read of a timerfd
		}
		if !c.fire(file, binary.NativeEndian.Uint64(expirations[:])) {
			return
		}
	}
}

// fire starts all timers that are due and reports whether file is still in use.
func (c *bootClock) fire(file *os.File, expirations uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.file != file {
		return false
	}
	if expirations > 0 {
		for at := c.Now(); len(c.timers) > 0 && c.timers[0].at <= at; {
			go heap.Pop(&c.timers).(*timer).f()
		}
	}
	c.endIfIdle()
	if c.file == nil {
		return false
	}
	c.arm()
	return true
}

// endIfIdle closes the timerfd when no timer is left, which ends run.
func (c *bootClock) endIfIdle() {
	if len(c.timers) == 0 && c.file != nil {
		_ = c.file.Close()
		c.file = nil
	}
}

// arm sets the timerfd to the earliest timer, as an absolute time.
func (c *bootClock) arm() {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(c.timers[0].at))}
	raw, err := c.file.SyscallConn()
	if err == nil {
		var errSet error
		err = raw.Control(func(fd uintptr) {
			errSet = unix.TimerfdSettime(int(fd), unix.TFD_TIMER_ABSTIME, &spec, nil)
		})
		if err == nil {
			err = errSet
		}
	}
	if err != nil {
		// The descriptor is ours, open and a timerfd, and the time is positive: the
		// kernel has no reason left, and a lost deadline must not go unseen.
		panic(fmt.Sprintf("cannot set the boot-time timer: %v", err))
	}
}

// fallback waits in short steps of the monotonic clock until the boot clock says
// that d is over.
func (c *bootClock) fallback(d time.Duration, f func()) func() bool {
	var mu sync.Mutex
	var step func()
	var t *time.Timer
	done := false
	due := c.Now() + d
	step = func() {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return
		}
		if left := due - c.Now(); left > 0 {
			t = time.AfterFunc(min(left, fallbackStep), step)
			return
		}
		done = true
		go f()
	}
	mu.Lock()
	defer mu.Unlock()
	t = time.AfterFunc(min(d, fallbackStep), step)
	return func() bool {
		mu.Lock()
		defer mu.Unlock()
		stopped := !done
		done = true
		t.Stop()
		return stopped
	}
}

type timer struct {
	at    time.Duration // on the boot clock
	f     func()
	index int // in the heap; -1 when it is no longer there
}

// timerHeap implements heap.Interface, the earliest timer first.
type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at < h[j].at }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
