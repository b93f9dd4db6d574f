package media

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeLight is a light that writes down what is done with it.
type fakeLight struct {
	*journal
	mu     sync.Mutex
	on     int
	broken bool
	answer chan error // what is waited for, and comes of it; nil: at once
	dark   []func(error)
}

func (l *fakeLight) Acquire(dark func(error)) (func(), error) {
	var err error
	if l.answer != nil {
		err = <-l.answer
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken {
		err = errors.New("no such line")
	}
	if err != nil {
		l.note("light fails")
		return nil, err
	}
	l.on++
	l.note("light on")
	l.dark = append(l.dark, dark)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.on--
		l.note("light off")
	}, nil
}

func (l *fakeLight) setBroken(broken bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = broken
}

func (l *fakeLight) wantOff(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.on != 0 {
		t.Errorf("the light is still acquired %d times", l.on)
	}
}

// lit is a device with a light; which of its devices it has is up to change.
func lit(t *testing.T, required bool, change func(*EngineOptions)) (*Engine, *fakeLight) {
	l := &fakeLight{journal: &journal{}}
	return bubbleEngine(t, func(o *EngineOptions) {
		o.Camera = &notedCamera{Camera: o.Camera, journal: l.journal, silent: true}
		o.Sound = &notedSound{Sound: o.Sound, journal: l.journal}
		o.Light, o.LightRequired = l, required
		change(o)
	}), l
}

func noCamera(o *EngineOptions) { o.Camera = nil }
func noSound(o *EngineOptions)  { o.Sound = nil }

func TestTheLightIsOnAroundEachDevice(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*EngineOptions)
		use    func(context.Context, *Engine, *talk)
		want   []string
	}{
		"camera in a talk": {noSound, func(_ context.Context, _ *Engine, l *talk) {
			l.Accept(Limit{})
			l.connect()
		}, []string{"light on", "open camera", "close camera", "light off"}},
		"camera while it rings": {noSound, func(_ context.Context, _ *Engine, l *talk) { l.Prepare() },
			[]string{"light on", "open camera", "close camera", "light off"}},
		"camera off and on": {noSound, func(_ context.Context, _ *Engine, l *talk) {
			l.Accept(Limit{})
			for _, on := range []bool{false, true} {
				time.Sleep(time.Second)
				l.SetCamera(on)
			}
		}, []string{"light on", "open camera", "close camera", "light off", "light on", "open camera", "close camera", "light off"}},
		"microphone": {noCamera, func(_ context.Context, _ *Engine, l *talk) { l.Accept(Limit{}) },
			[]string{"light on", "open sound", "close sound", "light off"}},
		"the limit": {noCamera, func(_ context.Context, _ *Engine, l *talk) {
			l.Accept(Limit{Set: true, Duration: 3 * time.Second})
			l.connect()
			time.Sleep(4 * time.Second)
		}, []string{"light on", "open sound", "close sound", "light off"}},
		"a snapshot": {noSound, func(ctx context.Context, e *Engine, _ *talk) { _, _, _ = e.Snapshot(ctx) },
			[]string{"light on", "open camera", "close camera", "light off"}},
		"a sound, by a device that opens its microphone": {noCamera, func(ctx context.Context, e *Engine, _ *talk) { _ = e.Play(ctx, nil) },
			[]string{"light on", "open sound", "close sound", "light off"}},
		"nothing": {func(*EngineOptions) {}, func(context.Context, *Engine, *talk) {}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, light := lit(t, true, tt.change)
				l := newTalk(t, e, true)
				tt.use(t.Context(), e, l)
				time.Sleep(time.Second)
				if err := l.Close(); err != nil {
					t.Error(err)
				}
				light.wantOff(t)
				light.wantLines(t, tt.want...)
			})
		})
	}
}

// TestARequiredLightThatFails: no device opens and no media starts.
func TestARequiredLightThatFails(t *testing.T) {
	for name, begin := range map[string]func(*talk){
		"in a talk":      func(l *talk) { l.Accept(Limit{}); l.connect() },
		"connected":      func(l *talk) { l.connect(); l.Accept(Limit{}) },
		"while it rings": func(l *talk) { l.Prepare() },
	} {
		for _, none := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, none=%v", name, none), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					e, light := lit(t, true, func(o *EngineOptions) {
						if none {
							o.Light = nil
						}
					})
					light.setBroken(true)
					l := newTalk(t, e, true)
					begin(l)
					time.Sleep(10 * time.Second)
					light.setBroken(false) // too late for this session
					l.Accept(Limit{})
					l.connect()
					time.Sleep(10 * time.Second)
					var failed []Failed
					for _, ev := range l.told() {
						if ev == "Started" || ev == "gone camera" || ev == "gone sound" || ev == "gone light" {
							t.Errorf("told %s", ev)
						}
					}
					l.mu.Lock()
					for _, ev := range l.events {
						if f, ok := ev.(Failed); ok {
							failed = append(failed, f)
						}
					}
					l.mu.Unlock()
					if len(failed) != 1 || !errors.Is(failed[0].Err, ErrLight) {
						t.Errorf("failed with %v, want once with ErrLight", failed)
					}
					if n := light.count("open camera") + light.count("open sound"); n > 0 {
						t.Errorf("%d devices opened without the light", n)
					}
					light.wantOff(t)
				})
			})
		}
	}
}

// TestTheTalkWaitsForTheLight: Started comes when it is confirmed, not before.
func TestTheTalkWaitsForTheLight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, true, func(*EngineOptions) {})
		light.answer = make(chan error)
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(5 * time.Second)
		l.wantTold(t, "Connected")
		close(light.answer)
		l.wantTold(t, "Connected", "Started")
	})
}

// TestTheLightFailsForOneDevice: what comes later for the other starts nothing.
func TestTheLightFailsForOneDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, true, func(*EngineOptions) {})
		light.answer = make(chan error)
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		synctest.Wait()
		light.answer <- errors.New("no such line")
		l.wantTold(t, "Connected", "Failed")
		close(light.answer)
		time.Sleep(5 * reopenDevice)
		l.wantTold(t, "Connected", "Failed")
		light.wantOff(t)
	})
}

// TestTheTalkWaitsNoMore: nothing is left to be lit when the camera is turned off.
func TestTheTalkWaitsNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, true, noSound)
		light.answer = make(chan error)
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		l.wantTold(t, "Connected")
		l.SetCamera(false)
		l.wantTold(t, "Connected", "Started")
		close(light.answer)
	})
}

// TestWithoutCameraAndMicrophone there is nothing to light.
func TestWithoutCameraAndMicrophone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, true, noSound)
		light.setBroken(true)
		l := newTalk(t, e, true)
		l.SetCamera(false)
		l.Accept(Limit{})
		l.connect()
		l.wantTold(t, "Connected", "Started")
	})
}

// TestTheLightFailsInATalk: the call goes on without what would need it.
func TestTheLightFailsInATalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, true, func(*EngineOptions) {})
		l := newTalk(t, e, true)
		l.SetCamera(false)
		l.Accept(Limit{})
		l.connect()
		l.wantTold(t, "Connected", "Started")
		light.setBroken(true)
		l.SetCamera(true)
		time.Sleep(5 * reopenDevice)
		l.wantTold(t, "Connected", "Started", "gone light")
		if light.count("open camera") > 0 {
			t.Error("the camera opened without the light")
		}
		light.setBroken(false)
		time.Sleep(2 * reopenDevice)
		l.wantTold(t, "Connected", "Started", "gone light", "back light")
		if light.count("open camera") != 1 {
			t.Error("the camera did not open when the light was back")
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		light.wantOff(t)
	})
}

func TestALightThatIsNotRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, false, noSound)
		light.setBroken(true)
		l := newTalk(t, e, true)
		l.Accept(Limit{})
		l.connect()
		time.Sleep(time.Second)
		l.wantTold(t, "Connected", "Started")
		if light.count("open camera") != 1 {
			t.Error("the camera did not open")
		}
	})
}

// TestTheLightOfManySessions: whatever a call does, the light is off at its end.
func TestTheLightOfManySessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e, light := lit(t, true, func(*EngineOptions) {})
		for i := range 40 {
			l := newTalk(t, e, i%4 != 0)
			if i%2 == 0 {
				l.Prepare()
			}
			var wg sync.WaitGroup
			wg.Go(func() { l.Accept(Limit{Set: true, Duration: time.Duration(i%5+1) * 20 * time.Millisecond}) })
			wg.Go(l.connect)
			wg.Go(func() { l.SetCamera(i%3 != 0); l.SetCamera(true) })
			wg.Go(func() { _, _, _ = e.Snapshot(t.Context()) })
			time.Sleep(time.Duration(i%7) * 15 * time.Millisecond)
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			wg.Wait()
			light.wantOff(t)
		}
		if light.count("open camera") != light.count("close camera") || light.count("open sound") != light.count("close sound") {
			t.Errorf("a device is still open: %q", light.lines)
		}
	})
}
