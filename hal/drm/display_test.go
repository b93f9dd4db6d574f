package drm

import (
	"errors"
	"image"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/drm/internal/uapi"
	"callbox/hal/haltest"
	"callbox/hal/screen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeDisplay is a display on cards that next makes, one for each open.
func fakeDisplay(o Options, next func() *fakeCard) *Display {
	if o.Name == "" {
		o.Name = "HDMI-A-1"
	}
	if o.Clock == nil {
		o.Clock = clock.Go()
	}
	d := New(o)
	d.list = func() ([]Device, error) {
		return []Device{{Name: "HDMI-A-1", Connector: "HDMI-A-1", Card: "/dev/dri/card0", Connected: true}}, nil
	}
	d.node = func(string) (node, error) { return next(), nil }
	return d
}

func openFake(t *testing.T, o Options, f *fakeCard) *stream {
	t.Helper()
	s, err := fakeDisplay(o, func() *fakeCard { return f }).Open()
	if err != nil {
		t.Fatal(err)
	}
	return s.(*stream)
}

// plain is a picture of one brightness.
func plain(w, h int, luma byte) *hal.Frame {
	f := &hal.Frame{YCbCr: *image.NewYCbCr(image.Rect(0, 0, w, h), image.YCbCrSubsampleRatio420)}
	for i := range f.Y {
		f.Y[i] = luma
	}
	for i := range f.Cb {
		f.Cb[i], f.Cr[i] = 128, 128
	}
	return f
}

func TestConformance(t *testing.T) {
	var cards []*fakeCard
	haltest.Display(t, fakeDisplay(Options{}, func() *fakeCard {
		cards = append(cards, newFakeCard(t))
		return cards[len(cards)-1]
	}))
	for _, f := range cards {
		f.wantBefore()
	}
}

// TestShow: black at first, then one buffer is painted while the other is shown, and at
// the end everything is as it was.
func TestShow(t *testing.T) {
	f := newFakeCard(t)
	s := openFake(t, Options{}, f)
	if got := f.pixel(30, 20); got != [3]byte{} {
		t.Errorf("an open screen shows %v", got)
	}
	if c := f.crtcs[22]; c.Mode != f.mode() || c.X != 0 {
		t.Errorf("it is shown by %+v", c)
	}
	before := f.shown()
	for i, luma := range []byte{235, 16, 235} {
		if err := s.Show(plain(64, 24, luma)); err != nil {
			t.Fatal(err)
		}
		now := f.shown()
		if &now[0] == &before[0] {
			t.Errorf("picture %d is painted where the last one is shown", i)
		}
		before = now
		want := [3]byte{255, 255, 255}
		if luma == 16 {
			want = [3]byte{}
		}
		if got := f.pixel(32, 24); got != want {
			t.Errorf("picture %d is %v, want %v", i, got, want)
		}
		if got := f.pixel(32, 5); got != [3]byte{} {
			t.Errorf("above picture %d there is %v", i, got)
		}
	}
	if n := f.count(uapi.Flip); n != 3 {
		t.Errorf("%d flips, want 3", n)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	f.wantBefore()
	if s.Show(plain(64, 24, 16)) == nil || s.Refresh() == nil {
		t.Error("a closed display shows something")
	}
}

// TestScreenThatWasOff is off again at the end.
func TestScreenThatWasOff(t *testing.T) {
	f := newFakeCard(t)
	f.crtcs[22] = uapi.CRTC{ID: 22}
	s := openFake(t, Options{}, f)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if f.crtcs[22] != (uapi.CRTC{ID: 22}) {
		t.Errorf("the CRTC is %+v", f.crtcs[22])
	}
}

// TestWithoutFlips: a driver that cannot flip, or does not tell of it, shows pictures all
// the same.
func TestWithoutFlips(t *testing.T) {
	for name, change := range map[string]func(f *fakeCard){
		"no flips":  func(f *fakeCard) { f.errs[uapi.Flip] = unix.EINVAL },
		"no events": func(f *fakeCard) { f.noEvents = true },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakeCard(t)
				change(f)
				s := openFake(t, Options{}, f)
				begun := time.Now()
				for _, luma := range []byte{235, 16, 235} {
					if err := s.Show(plain(64, 48, luma)); err != nil {
						t.Fatal(err)
					}
				}
				if got := f.pixel(32, 24); got != [3]byte{255, 255, 255} {
					t.Errorf("the screen shows %v", got)
				}
				if n := f.count(uapi.Flip); n != 1 {
					t.Errorf("%d flips were tried, want 1", n)
				}
				if took := time.Since(begun); took > flipTimeout {
					t.Errorf("it took %v", took)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				f.events = 0
				f.wantBefore()
			})
		})
	}
}

// TestRefused: what is wrong, where, and what to do.
func TestRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(f *fakeCard)
		want   error
		say    string
	}{
		"another has it":         {func(f *fakeCard) { f.errs[uapi.AuthMagic], f.errs[uapi.SetMaster] = unix.EACCES, unix.EACCES }, hal.ErrBusy, "end what draws"},
		"another, asked as root": {func(f *fakeCard) { f.errs[uapi.AuthMagic], f.errs[uapi.SetMaster] = unix.EACCES, unix.EBUSY }, hal.ErrBusy, "end what draws"},
		"no dumb buffers":        {func(f *fakeCard) { f.noDumb = true }, errNoDumb, "dumb buffers"},
		"nothing connected":      {func(f *fakeCard) { f.unplugged = true }, hal.ErrGone, "no screen is connected to HDMI-A-1"},
		"the card goes":          {func(f *fakeCard) { f.errs[uapi.GetResources] = unix.ENODEV }, hal.ErrGone, "its parts"},
		"no connector":           {func(f *fakeCard) { f.errs[uapi.GetConnector] = unix.ENOENT }, hal.ErrGone, "connector"},
		"no encoder":             {func(f *fakeCard) { f.errs[uapi.GetEncoder] = unix.EINVAL }, unix.EINVAL, "encoder"},
		"no CRTC":                {func(f *fakeCard) { f.errs[uapi.GetCRTC] = unix.EINVAL }, unix.EINVAL, "what it shows"},
		"no memory":              {func(f *fakeCard) { f.errs[uapi.CreateBuffer] = unix.ENOMEM }, unix.ENOMEM, "64x48"},
		"no such format":         {func(f *fakeCard) { f.errs[uapi.AddFB2] = unix.EINVAL }, unix.EINVAL, "XRGB8888"},
		"no mapping":             {func(f *fakeCard) { f.errs[uapi.MapBuffer] = unix.EINVAL }, unix.EINVAL, "reach a buffer"},
		"no mode":                {func(f *fakeCard) { f.errs[uapi.SetCRTC] = unix.ENOSPC }, unix.ENOSPC, "mode 64x48"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeCard(t)
			tt.change(f)
			_, err := fakeDisplay(Options{}, func() *fakeCard { return f }).Open()
			if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.say) || !strings.Contains(err.Error(), `"HDMI-A-1" (/dev/dri/card0)`) {
				t.Errorf("Open = %v, want %v and %q", err, tt.want, tt.say)
			}
			f.wantBefore()
		})
	}
}

// TestMaster: whose card is it?
func TestMaster(t *testing.T) {
	for name, tt := range map[string]struct {
		ask, set error
		ours     bool
	}{
		"ours since it was opened":        {unix.EINVAL, nil, true},
		"the same, in an old kernel":      {unix.EINVAL, unix.EACCES, true},
		"another's, which has just ended": {unix.EACCES, nil, true},
		"another's":                       {unix.EACCES, unix.EACCES, false},
		"another's, and we are root":      {unix.EACCES, unix.EBUSY, false},
	} {
		f := newFakeCard(t)
		f.errs[uapi.AuthMagic], f.errs[uapi.SetMaster] = tt.ask, tt.set
		if err := master(f); (err == nil) != tt.ours {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestProblem(t *testing.T) {
	f := newFakeCard(t)
	d := fakeDisplay(Options{}, func() *fakeCard { f = newFakeCard(t); return f })
	if err := d.Problem(); err != nil || !f.closed || f.count(uapi.SetCRTC) != 0 {
		t.Errorf("Problem = %v, closed: %v", err, f.closed)
	}
	s, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	in := f
	if err := d.Problem(); err != nil || f != in {
		t.Errorf("in a call: Problem = %v, another card was opened: %v", err, f != in)
	}
	s.Close()
	d.node = func(string) (node, error) { return nil, unix.EACCES }
	if err := d.Problem(); !errors.Is(err, unix.EACCES) {
		t.Errorf("Problem = %v", err)
	}
	d.list = func() ([]Device, error) { return nil, nil }
	if err := d.Problem(); !errors.Is(err, hal.ErrNotFound) {
		t.Errorf("without a connector: Problem = %v", err)
	}
}

// TestGone: a screen that is pulled out is noticed within a second of pictures, and the
// rest is given back.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFakeCard(t)
		s := openFake(t, Options{}, f)
		if err := s.Show(plain(64, 48, 235)); err != nil {
			t.Fatal(err)
		}
		f.unplugged = true
		time.Sleep(lookInterval)
		if err := s.Show(plain(64, 48, 235)); !errors.Is(err, hal.ErrGone) || !strings.Contains(err.Error(), "HDMI-A-1") {
			t.Errorf("Show = %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		f.wantBefore()
	})
}

// TestLost: what the kernel says in a call, and what that means.
func TestLost(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want error
		told bool // by Close, too
	}{
		"the card goes":             {unix.ENODEV, hal.ErrGone, false},
		"another program takes it":  {unix.EACCES, hal.ErrBusy, false},
		"something that is unknown": {unix.ERANGE, unix.ERANGE, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFakeCard(t)
			s := openFake(t, Options{}, f)
			f.errs[uapi.Flip], f.errs[uapi.SetCRTC] = tt.err, tt.err
			if err := s.Show(plain(64, 48, 235)); !errors.Is(err, tt.want) {
				t.Errorf("Show = %v, want %v", err, tt.want)
			}
			if err := s.Close(); (err != nil) != tt.told {
				t.Errorf("Close = %v", err)
			}
			if !f.closed || f.mapped != 0 || len(f.handles) != 0 {
				t.Errorf("closed: %v, %d mappings, %d buffers are left", f.closed, f.mapped, len(f.handles))
			}
		})
	}
}

// TestCaption: name and time stand there before the first picture and between pictures,
// and the time runs.
func TestCaption(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fonts, err := screen.OpenFonts("")
		if err != nil {
			t.Fatal(err)
		}
		defer fonts.Close()
		f := newFakeCard(t)
		f.width, f.height = 320, 240
		s := openFake(t, Options{Fonts: fonts}, f)
		defer s.Close()
		s.Caption(hal.Caption{Name: "Anna", Deadline: s.display.opts.Clock.Now() + time.Minute})
		light := func() (n int) {
			for y := range 240 {
				for x := range 320 {
					if f.pixel(x, y)[1] > 0xc0 {
						n++
					}
				}
			}
			return n
		}
		if err := s.Refresh(); err != nil || light() < 50 {
			t.Fatalf("before a picture: %v, %d light pixels", err, light())
		}
		if err := s.Show(plain(320, 240, 16)); err != nil {
			t.Fatal(err)
		}
		before, flips := string(f.shown()), f.count(uapi.Flip)
		if err := s.Refresh(); err != nil || string(f.shown()) != before {
			t.Errorf("in the same second the screen has changed: %v", err)
		}
		time.Sleep(time.Second)
		if err := s.Refresh(); err != nil || string(f.shown()) == before {
			t.Errorf("a second later nothing has changed: %v", err)
		}
		if n := f.count(uapi.Flip) - flips; n != 2 {
			t.Errorf("%d flips, want one for each Refresh: some screens have a copy of the buffer", n)
		}
		s.Caption(hal.Caption{})
		if err := s.Show(plain(320, 240, 16)); err != nil || light() != 0 {
			t.Errorf("without caption: %v, %d light pixels", err, light())
		}
	})
}

// TestNothingIsAllocated for a picture like the last one.
func TestNothingIsAllocated(t *testing.T) {
	f := newFakeCard(t)
	s := openFake(t, Options{}, f)
	defer s.Close()
	picture := plain(320, 180, 100)
	f.calls = make([]uintptr, 0, 1000)
	if n := testing.AllocsPerRun(100, func() {
		if err := s.Show(picture); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("%v allocations for a picture", n)
	}
}
