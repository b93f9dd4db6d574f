package v4l2

import (
	"errors"
	"image"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/v4l2/internal/uapi"
)

// fakeQueue is a driver whose pictures come out of a channel.
type fakeQueue struct {
	pictures chan filled
	woken    chan struct{}
	err      error // of dequeue, when pictures is closed
	next     []filled
	present  bool
	queued   []int
	closed   int
}

func (q *fakeQueue) wait(d time.Duration) (event, error) {
	select {
	case <-q.woken:
		return woken, nil
	case p, ok := <-q.pictures:
		if !ok {
			return failed, nil
		}
		q.next = append(q.next, p)
		return ready, nil
	case <-time.After(d):
		return timedOut, nil
	}
}

func (q *fakeQueue) wake() { close(q.woken) }

func (q *fakeQueue) dequeue() (filled, error) {
	if len(q.next) == 0 {
		return filled{}, q.err
	}
	p := q.next[0]
	q.next = q.next[1:]
	return p, nil
}

func (q *fakeQueue) enqueue(i int) error { q.queued = append(q.queued, i); return nil }
func (q *fakeQueue) alive() bool         { return q.present }
func (q *fakeQueue) close()              { q.closed++ }

// whole is what is used of a single plane.
func whole(n int) [maxPlanes]span { return [maxPlanes]span{{0, n}} }

func fakeStream() (*stream, *fakeQueue) {
	q := &fakeQueue{pictures: make(chan filled, 1), woken: make(chan struct{}), present: true, err: unix.EINVAL}
	l := layout{uapi.PixYUYV, 16, 8, 32, 0}
	s := &stream{
		reader: reader{name: "fake", clock: clock.Go(), queue: q, buffers: [][][]byte{{raw(l)}, {raw(l)}, {raw(l)}}},
		layout: l, mode: hal.VideoMode{Width: 16, Height: 8, FrameRate: 30},
	}
	s.frame.YCbCr = *image.NewYCbCr(image.Rect(0, 0, 16, 8), image.YCbCrSubsampleRatio420)
	return s, q
}

func TestReadFrameSkipsBadPictures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := fakeStream()
		go func() {
			q.pictures <- filled{index: 0, bytes: whole(256), bad: true}
			q.pictures <- filled{index: 1, bytes: whole(17)} // cut off
			q.pictures <- filled{index: 2, bytes: whole(256)}
		}()
		f, err := s.ReadFrame()
		if err != nil || f.Y[1] != lumaAt(1, 0) {
			t.Fatalf("ReadFrame = %v, %v", f, err)
		}
		if n := s.BadFrames(); n != 2 {
			t.Errorf("BadFrames = %d, want 2", n)
		}
		if len(q.queued) != 3 {
			t.Errorf("buffers %v were given back, want all three", q.queued)
		}
		s.Close()
	})
}

func TestLateReaderGetsTheNewestPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := fakeStream()
		clear(s.buffers[0][0])
		clear(s.buffers[1][0])
		q.next = []filled{{index: 0, bytes: whole(256)}, {index: 1, bytes: whole(256)}} // waiting since long
		q.pictures <- filled{index: 2, bytes: whole(256)}
		f, err := s.ReadFrame()
		if err != nil || f.Y[1] != lumaAt(1, 0) {
			t.Fatalf("ReadFrame = %v, %v; want the third picture", f, err)
		}
		if len(q.queued) != 3 || s.LateFrames() != 2 {
			t.Errorf("buffers %v were given back, %d late; want all three, 2 late", q.queued, s.LateFrames())
		}
		s.Close()
	})
}

func TestCloseWakesReadFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := fakeStream()
		done := make(chan error)
		go func() {
			_, err := s.ReadFrame()
			done <- err
		}()
		synctest.Wait()
		s.Close()
		if err := <-done; !errors.Is(err, io.EOF) {
			t.Errorf("ReadFrame = %v, want %v", err, io.EOF)
		}
		s.Close()
		if q.closed != 1 {
			t.Errorf("the device was closed %d times", q.closed)
		}
		if _, err := s.ReadFrame(); !errors.Is(err, io.EOF) {
			t.Errorf("ReadFrame after Close = %v, want %v", err, io.EOF)
		}
	})
}

func TestReadFrameErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		prepare func(*fakeQueue)
		want    error
		not     error
		after   time.Duration
	}{
		"unplugged, ENODEV": {func(q *fakeQueue) { q.err = unix.ENODEV; close(q.pictures) }, hal.ErrGone, ErrFrozen, 0},
		"unplugged, EINVAL": {func(q *fakeQueue) { q.present = false; close(q.pictures) }, hal.ErrGone, ErrFrozen, 0},
		"unplugged, silent": {func(q *fakeQueue) { q.present = false }, hal.ErrGone, ErrFrozen, frozenAfter},
		"queue in error":    {func(q *fakeQueue) { close(q.pictures) }, unix.EINVAL, hal.ErrGone, 0},
		"error, no picture": {func(q *fakeQueue) { q.err = unix.EAGAIN; close(q.pictures) }, unix.EAGAIN, hal.ErrGone, 0},
		"frozen":            {func(*fakeQueue) {}, ErrFrozen, hal.ErrGone, frozenAfter},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, q := fakeStream()
				tt.prepare(q)
				start := time.Now()
				_, err := s.ReadFrame()
				if !errors.Is(err, tt.want) || errors.Is(err, tt.not) {
					t.Errorf("ReadFrame = %v, want %v", err, tt.want)
				}
				if d := time.Since(start); d != tt.after {
					t.Errorf("it took %v, want %v", d, tt.after)
				}
				s.Close()
			})
		})
	}
}

// A camera that sends nothing but bad pictures is frozen, too.
func TestOnlyBadPicturesAreFrozen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := fakeStream()
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(33 * time.Millisecond):
					select {
					case q.pictures <- filled{bad: true}:
					default:
					}
				}
			}
		}()
		if _, err := s.ReadFrame(); !errors.Is(err, ErrFrozen) {
			t.Errorf("ReadFrame = %v, want %v", err, ErrFrozen)
		}
		close(stop)
		s.Close()
	})
}

func TestCaptureTime(t *testing.T) {
	now := time.Hour
	for name, tt := range map[string]struct{ taken, want time.Duration }{
		"20 ms ago":       {now - 20*time.Millisecond, 20 * time.Millisecond},
		"not given":       {0, 0},
		"from the future": {now + time.Second, 0},
		"other clock":     {5 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			if got := age(tt.taken, now); got != tt.want {
				t.Errorf("age = %v, want %v", got, tt.want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s, q := fakeStream()
		var last time.Duration
		for i := range 3 { // three pictures at the same instant
			q.pictures <- filled{index: i, bytes: whole(256), monotonic: monotonic()}
			f, err := s.ReadFrame()
			if err != nil {
				t.Fatal(err)
			}
			if i > 0 && f.Captured <= last {
				t.Errorf("picture %d was captured at %v, the one before at %v", i, f.Captured, last)
			}
			last = f.Captured
		}
		s.Close()
	})
}

func TestMeaning(t *testing.T) {
	for in, want := range map[unix.Errno]error{
		unix.EBUSY: hal.ErrBusy, unix.ENODEV: hal.ErrGone, unix.ENXIO: hal.ErrGone, unix.ENOENT: hal.ErrGone,
	} {
		if err := meaning(in); !errors.Is(err, want) || !errors.Is(err, in) {
			t.Errorf("meaning(%v) = %v, want %v", in, err, want)
		}
	}
}

func TestOpenUnknownCamera(t *testing.T) {
	_, err := New("no-such-camera", clock.Go()).Open(hal.VideoMode{Width: 640, Height: 480, FrameRate: 30})
	if !errors.Is(err, hal.ErrNotFound) {
		t.Errorf("Open = %v, want %v", err, hal.ErrNotFound)
	}
}
