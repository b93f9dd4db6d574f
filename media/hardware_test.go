package media

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/samplebuilder"
	"github.com/rs/zerolog"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/media/codec/avcodec"
	"callbox/media/codec/avcodec/plugintest"
	"callbox/media/codec/h264"
	"callbox/media/codec/openh264"
	"callbox/media/options"
)

// encodingEngine has an encoder of libavcodec in the place of hardware, and waits until it
// was tried.
func encodingEngine(t *testing.T, plugin string, encoder options.Encoder, change func(*EngineOptions)) *Engine {
	t.Helper()
	e := testEngine(t, func(o *EngineOptions) {
		o.EncoderPlugin, o.Encoder = plugin, encoder
		if change != nil {
			change(o)
		}
	})
	select {
	case <-e.encoder.tried:
	case <-time.After(20 * time.Second):
		t.Fatal("the encoder is still being tried")
	}
	return e
}

// decodingPhone shows the pictures of a call in H.264.
type decodingPhone struct {
	*cuttablePhone
	shown, damaged atomic.Int64
}

func newDecodingPhone(t *testing.T, e *Engine) *decodingPhone {
	t.Helper()
	p := &decodingPhone{cuttablePhone: offering(t, e, h264Codec())}
	p.pc.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		dec, err := openh264.NewDecoder()
		if err != nil {
			t.Error(err)
			return
		}
		defer dec.Close()
		builder := samplebuilder.New(maxVideoPackets, h264.Packet{}, videoClock)
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			builder.Push(packet)
			for s := builder.Pop(); s != nil; s = builder.Pop() {
				if img, err := dec.Decode(s.Data); err != nil || img == nil {
					p.damaged.Add(1)
				} else {
					p.shown.Add(1)
				}
			}
		}
	})
	p.take(p.answer())
	p.session.Accept(Limit{})
	return p
}

// shows waits for more pictures, of one encoder.
func (p *decodingPhone) shows(n int64, encoder string) {
	p.t.Helper()
	want := p.shown.Load() + n
	p.eventually(20*time.Second, "pictures of "+encoder, func() bool {
		return p.shown.Load() >= want && p.session.Stats().VideoEncoder == encoder
	})
}

// TestHardwareEncoder: what has shown that it works is used, and told.
func TestHardwareEncoder(t *testing.T) {
	log := &lockedText{}
	e := encodingEngine(t, plugins.Sound, options.Encoder(plugintest.Software), func(o *EngineOptions) { o.Log = zerolog.New(log) })
	r := e.Encoder()
	if r.Used != plugintest.Software || r.Wanted != plugintest.Software || r.Problem != nil || !strings.Contains(r.Detail, "ms a picture, libavcodec ") {
		t.Errorf("Encoder = %+v", r)
	}
	if n := strings.Count(log.String(), "hardware encoder chosen"); n != 1 {
		t.Errorf("told %d times: %s", n, log.String())
	}
	p := newDecodingPhone(t, e)
	p.shows(40, plugintest.Software)
	if n := p.damaged.Load(); n != 0 {
		t.Errorf("%d pictures could not be decoded", n)
	}
}

// TestHardwareFailsInACall: the call goes on with the software, and hardware that has
// failed is left alone for a while.
func TestHardwareFailsInACall(t *testing.T) {
	for _, fault := range []options.Encoder{"fails in a call", "stuck in a call"} {
		t.Run(string(fault), func(t *testing.T) {
			log := &lockedText{}
			e := encodingEngine(t, plugins.Faulty, fault, func(o *EngineOptions) { o.Log = zerolog.New(log) })
			p := newDecodingPhone(t, e)
			p.shows(10, string(fault))
			p.shows(30, openh264Name)
			if n := p.damaged.Load(); n != 0 {
				t.Errorf("%d pictures could not be decoded", n)
			}
			r := e.Encoder()
			if r.Used != openh264Name || r.Failures != 1 || r.Problem == nil {
				t.Errorf("Encoder = %+v", r)
			}
			if n := strings.Count(log.String(), "set media.encoder: software"); n != 1 {
				t.Errorf("told %d times: %s", n, log.String())
			}
			p.mu.Lock()
			for _, ev := range p.events {
				if _, gone := ev.(DeviceGone); gone {
					t.Errorf("the camera was called gone: %+v", ev)
				}
			}
			p.mu.Unlock()
			p.session.Close()
			newDecodingPhone(t, e).shows(10, openh264Name)
			if n := e.Encoder().Failures; n != 1 {
				t.Errorf("%d failures after a call of the software", n)
			}
		})
	}
}

// TestHardwareRests, and is then used again.
func TestHardwareRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hardware{clock: clock.Go(), log: zerolog.Nop(), found: foundEncoder{lib: &avcodec.Library{}, name: "h264_vaapi"}}
		if h.now().name != "h264_vaapi" {
			t.Fatal("it rests from the beginning")
		}
		h.failed("h264_vaapi", errors.New("the device is gone"))
		for _, tt := range []struct {
			wait time.Duration
			used string
		}{{0, ""}, {encoderRest - time.Second, ""}, {time.Second, "h264_vaapi"}} {
			time.Sleep(tt.wait)
			if got := h.now().name; got != tt.used {
				t.Errorf("after another %v %q is used, want %q", tt.wait, got, tt.used)
			}
		}
	})
}

// TestHardwareIsNotChosen, and why.
func TestHardwareIsNotChosen(t *testing.T) {
	nowhere := t.TempDir() + "/callbox-avcodec.so"
	vp8 := func(o *EngineOptions) { o.VideoCodecs = []VideoCodec{CodecVP8} }
	for name, tt := range map[string]struct {
		plugin  string
		encoder options.Encoder
		change  func(*EngineOptions)
		used    string
		problem string
	}{
		"not installed":                 {plugin: nowhere, encoder: options.EncoderAuto, used: openh264Name},
		"not installed, but wanted":     {plugin: nowhere, encoder: options.EncoderVAAPI, used: openh264Name, problem: "callbox-hwenc"},
		"software wanted":               {plugin: plugins.Sound, encoder: options.EncoderSoftware, used: openh264Name},
		"no H.264 in calls":             {plugin: plugins.Sound, encoder: plugintest.Software, change: vp8},
		"no camera":                     {plugin: plugins.Sound, encoder: plugintest.Software, change: func(o *EngineOptions) { o.Camera = nil }, used: openh264Name},
		"of another profile":            {plugin: plugins.Faulty, encoder: "extended", used: openh264Name, problem: "constrained baseline"},
		"of green pictures":             {plugin: plugins.Faulty, encoder: "green", used: openh264Name, problem: "looks different"},
		"that no libavcodec has":        {plugin: plugins.Sound, encoder: "h264_thereisnone", used: openh264Name, problem: "no such encoder"},
		"too slow for the camera":       {plugin: plugins.Faulty, encoder: "slow", change: fast, used: openh264Name, problem: "too slow"},
		"the plugin is something else":  {plugin: "/etc/passwd", encoder: options.EncoderX264, used: openh264Name, problem: "install callbox-hwenc of this release"},
		"of a size that is too strange": {plugin: plugins.Sound, encoder: plugintest.Software, change: odd, used: openh264Name, problem: "even numbers"},
	} {
		t.Run(name, func(t *testing.T) {
			r := encodingEngine(t, tt.plugin, tt.encoder, tt.change).Encoder()
			if r.Used != tt.used || r.Wanted != string(tt.encoder) || (r.Problem == nil) != (tt.problem == "") {
				t.Errorf("Encoder = %+v", r)
			}
			if r.Problem != nil && !strings.Contains(r.Problem.Error(), tt.problem) {
				t.Errorf("problem %v, want %q", r.Problem, tt.problem)
			}
		})
	}
}

func fast(o *EngineOptions) { o.CameraMode.FrameRate = 30 }

func odd(o *EngineOptions) { o.CameraMode = hal.VideoMode{Width: 321, Height: 180, FrameRate: 20} }

// TestHardwareIsTriedInTheBackground: a call does not wait for a driver.
func TestHardwareIsTriedInTheBackground(t *testing.T) {
	e := testEngine(t, func(o *EngineOptions) { o.EncoderPlugin, o.Encoder = plugins.Faulty, "stuck" })
	if r := e.Encoder(); r.Used != openh264Name || r.Detail != "the hardware is being tried" {
		t.Errorf("Encoder = %+v", r)
	}
	newDecodingPhone(t, e).shows(5, openh264Name)
}

// TestHardwareIsTriedAgain: a machine that boots is busy.
func TestHardwareIsTriedAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		fault options.Encoder
		again time.Duration
		found bool
	}{
		"slow at first": {"slow at first", time.Millisecond, true},
		"always slow":   {"slow", time.Millisecond, false},
		"hanging":       {"stuck", time.Hour, false}, // once is enough
	} {
		t.Run(name, func(t *testing.T) {
			log := &lockedText{}
			h := &hardware{
				wanted: tt.fault, plugin: plugins.Faulty, clock: clock.Boot(), log: zerolog.New(log),
				tried: make(chan struct{}), again: []time.Duration{tt.again, tt.again},
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			h.try(ctx, hal.VideoMode{Width: 320, Height: 180, FrameRate: 20}, 300_000)
			if ctx.Err() != nil {
				t.Error("it waits to try a driver again that hangs")
			}
			if found := h.now().lib != nil; found != tt.found || (h.problem == nil) != tt.found {
				t.Errorf("found: %v, problem: %v", found, h.problem)
			}
			if n := strings.Count(log.String(), "no hardware encoder"); n != 1 {
				t.Errorf("told %d times: %s", n, log.String())
			}
		})
	}
}

// TestHardwareThatIsNotThere: libavcodec is not opened for devices that a machine lacks, and
// that is no problem unless one was asked for.
func TestHardwareThatIsNotThere(t *testing.T) {
	for name, tt := range map[string]struct {
		wanted  options.Encoder
		files   string
		problem string
	}{
		"nothing":           {options.EncoderAuto, "", ""},
		"nothing, by name":  {options.EncoderVAAPI, "", errNoEncoder.Error()},
		"another, by name":  {options.EncoderVAAPI, "video0", errNoEncoder.Error()},
		"only cameras":      {options.EncoderAuto, "video0", "cannot open the encoder h264_v4l2m2m"},
		"something graphic": {options.EncoderAuto, "dri/renderD128", "cannot open the encoder h264_vaapi"},
		"only a card":       {options.EncoderAuto, "dri/card0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			dev, log := t.TempDir(), &lockedText{}
			if tt.files != "" {
				file := filepath.Join(dev, tt.files)
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			// The faulty plugin knows none of these names, whatever the machine has.
			h := &hardware{wanted: tt.wanted, plugin: plugins.Faulty, dev: dev, clock: clock.Boot(), log: zerolog.New(log), tried: make(chan struct{})}
			h.try(t.Context(), hal.VideoMode{Width: 320, Height: 180, FrameRate: 20}, 300_000)
			if (h.problem == nil) != (tt.problem == "") || h.problem != nil && !strings.Contains(h.problem.Error(), tt.problem) {
				t.Errorf("problem %v, want %q", h.problem, tt.problem)
			}
			if told := log.String() != ""; told != (tt.problem != "") || h.now().lib != nil {
				t.Errorf("told %s; found %+v", log.String(), h.now())
			}
		})
	}
}

// TestKeyframeRequestsRaceHangUp: a phone asks for keyframes as fast as it can while the
// device hangs up, with every encoder. Run it with the race detector and with
// AddressSanitizer (make asan).
func TestKeyframeRequestsRaceHangUp(t *testing.T) {
	for name, tt := range map[string]struct {
		codec   VideoCodec
		plugin  string
		encoder options.Encoder
		used    string
	}{
		"VP8":        {codec: CodecVP8, used: "libvpx"},
		"OpenH264":   {codec: CodecH264, encoder: options.EncoderSoftware, used: openh264Name},
		"libavcodec": {codec: CodecH264, plugin: plugins.Sound, encoder: plugintest.Software, used: plugintest.Software},
	} {
		t.Run(name, func(t *testing.T) {
			e := encodingEngine(t, tt.plugin, tt.encoder, func(o *EngineOptions) { o.VideoCodecs = []VideoCodec{tt.codec} })
			format := vp8Codec()
			if tt.codec == CodecH264 {
				format = h264Codec()
			}
			for range 4 {
				p := offering(t, e, format)
				p.take(p.answer())
				p.session.Accept(Limit{})
				p.eventually(15*time.Second, "pictures come", func() bool { return p.session.Stats().VideoEncoder == tt.used })
				var wg sync.WaitGroup
				over := make(chan struct{})
				until := func(f func()) {
					wg.Go(func() {
						for {
							select {
							case <-over:
								return
							default:
								f()
							}
						}
					})
				}
				ssrc := p.pc.GetReceivers()[0].Track().SSRC()
				until(func() { _ = p.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(ssrc)}}) })
				// The same without the way and the budget between.
				until(p.session.video.forceKeyframe)
				until(func() { p.session.video.setBitrate(400_000) })
				if err := p.session.Close(); err != nil {
					t.Error(err)
				}
				close(over)
				wg.Wait()
			}
		})
	}
}
