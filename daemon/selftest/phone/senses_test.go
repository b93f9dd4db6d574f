package phone

import (
	"image"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"

	"callbox/daemon/control"
	"callbox/daemon/selftest"
	"callbox/hal/clock"
	"callbox/hal/virtual"
	"callbox/media/codec/openh264"
	"callbox/media/codec/opus"
	"callbox/media/codec/picture"
	"callbox/media/codec/vpx"
	"callbox/signaling/phonepeer"
)

// TestEars: what is heard is what was said, whatever the order in which it came; what is
// missing is silence of the same length.
func TestEars(t *testing.T) {
	frames, err := speech()
	if err != nil {
		t.Fatal(err)
	}
	if len(frames) != len(selftest.Speech())/opus.FrameSamples {
		t.Fatalf("%d frames of %d samples", len(frames), len(selftest.Speech()))
	}
	const begin = math.MaxUint32 - 5*opus.FrameSamples // RTP time goes round
	hears := &ears{}
	for i := range 3 * len(frames) {
		switch i {
		case 20, 21: // lost
			continue
		case 30: // comes after the next
			continue
		}
		take := func(i int) {
			hears.take(phonepeer.Packet{
				Header:  &rtp.Header{Timestamp: uint32(begin) + uint32(i*opus.FrameSamples)},
				Payload: frames[i%len(frames)], At: time.Second + time.Duration(i)*opus.FrameDuration,
			})
		}
		take(i)
		if i == 31 {
			take(30)
		}
	}
	pcm, came, err := hears.listen()
	if err != nil || came != time.Second || len(pcm) != 3*len(selftest.Speech()) {
		t.Fatalf("%d samples from %v on, %v; want %d from 1s", len(pcm), came, err, 3*len(selftest.Speech()))
	}
	said := selftest.Loudness(selftest.Speech())
	if heard := selftest.Loudness(pcm); math.Abs(heard.RMS-said.RMS) > 1.5 {
		t.Errorf("heard %+v, said %+v", heard, said)
	}
	if lost := selftest.Loudness(pcm[20*opus.FrameSamples : 22*opus.FrameSamples]); lost.Peak > -96 {
		t.Errorf("what was lost has %+v", lost)
	}
	// The phone hears itself, but for what was lost and what the codec changes.
	if e := selftest.EchoOf(pcm, 0); !e.Heard || math.Abs(e.Loss) > 3 {
		t.Errorf("echo = %+v", e)
	}
	if pcm, _, err := (&ears{}).listen(); err != nil || pcm != nil {
		t.Errorf("nothing is heard as %d samples, %v", len(pcm), err)
	}
}

// TestEarsForget: only the end of a long talk is kept.
func TestEarsForget(t *testing.T) {
	hears := &ears{}
	for i := range 2 * int(keptSound/opus.FrameDuration) {
		hears.take(phonepeer.Packet{
			Header:  &rtp.Header{Timestamp: uint32(i * opus.FrameSamples)},
			Payload: []byte{0xf8, 0xff, 0xfe}, At: time.Duration(i) * opus.FrameDuration,
		})
	}
	pcm, came, err := hears.listen()
	if kept := time.Duration(len(pcm)) * time.Second / selftest.SampleRate; err != nil || kept < keptSound || kept > keptSound+time.Second || came < keptSound-time.Second {
		t.Errorf("%v are kept, from %v on, %v", kept, came, err)
	}
}

// TestEyes: size and age of pictures, of which one is incomplete.
func TestEyes(t *testing.T) {
	const width, height = 320, 240
	params := picture.Params{Width: width, Height: height, FrameRate: 10, Bitrate: 500_000, KeyframeInterval: time.Millisecond}
	for name, tt := range map[string]struct {
		codec   string
		encoder func(picture.Params) (picture.Encoder, error)
		packets rtp.Payloader
	}{
		"VP8":   {webrtc.MimeTypeVP8, func(p picture.Params) (picture.Encoder, error) { return vpx.NewEncoder(p) }, &codecs.VP8Payloader{}},
		"H.264": {webrtc.MimeTypeH264, func(p picture.Params) (picture.Encoder, error) { return openh264.NewEncoder(p) }, &codecs.H264Payloader{}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := tt.encoder(params)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			sees := newEyes(true)
			sees.begin(time.Minute)
			seq := uint16(math.MaxUint16 - 3)
			img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
			for i := range 10 {
				taken := time.Minute + time.Duration(i)*100*time.Millisecond
				virtual.Stamp(img, taken)
				if i == 5 {
					if err := e.ForceKeyFrame(); err != nil {
						t.Fatal(err)
					}
				}
				frame, err := e.Encode(img, taken)
				if err != nil {
					t.Fatal(err)
				}
				if i == 7 {
					seq++ // a probe
				}
				parts := tt.packets.Payload(200, frame.Data)
				for k, part := range parts {
					seq++
					if i == 3 && k == 0 { // lost: this picture cannot be read
						continue
					}
					sees.take(phonepeer.Packet{
						Video: true, Codec: tt.codec, Payload: part,
						Header: &rtp.Header{SequenceNumber: seq, Timestamp: uint32(i * 9000), Marker: k == len(parts)-1},
						At:     taken - time.Minute + 7*time.Millisecond,
					})
				}
			}
			sees.close()
			late := sees.latency()
			if late == nil || late.Count < 7 || late.Count > 9 || late.Median != 7 || late.Most != 7 {
				t.Errorf("latency = %+v, want 7 ms", late)
			}
			if sees.width != width || sees.height != height {
				t.Errorf("size = %d × %d", sees.width, sees.height)
			}
		})
	}
}

// TestEyesOfARealCamera: pictures without the time are not decoded, and have a size.
func TestEyesOfARealCamera(t *testing.T) {
	sees := newEyes(false)
	sees.take(phonepeer.Packet{Video: true, Header: &rtp.Header{Marker: true}, Payload: append([]byte{0x10},
		0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x05, 0xd0, 0x02)})
	sees.close()
	if sees.width != 1280 || sees.height != 720 || sees.latency() != nil {
		t.Errorf("%d × %d, %+v", sees.width, sees.height, sees.latency())
	}
}

// TestObserver: what is asked of the device, and how late the ends are.
func TestObserver(t *testing.T) {
	o := newObserver(nil, clock.Boot())
	o.follow("room")
	now := o.clock.Now()
	for _, share := range []float64{0, 0.1, 0.2} {
		link := &control.Link{ReceiveLoss: share, ConcealedSeconds: 0.05, RTTMilliseconds: 3}
		o.note(&control.Call{RoomID: "room", Deadline: now.Seconds(), Link: link})
		o.note(&control.Call{RoomID: "another", Deadline: 1, Link: &control.Link{ReceiveLoss: 1, ConcealedSeconds: 9}})
	}
	if up := o.up(); !up.Known || math.Abs(up.Loss-0.1) > 1e-9 || up.Concealed != 5 {
		t.Errorf("up = %+v", up)
	}
	var end selftest.End
	var asked time.Time
	o.end(&end, now+time.Second, now, func(since time.Time) int { asked = since; return 1 })
	if end.Known || end.After != 1 {
		t.Errorf("end = %+v of one that was not published", end)
	}
	if off := o.boot(asked) - now - time.Second; off < -time.Millisecond || off > time.Millisecond {
		t.Errorf("packets are counted from %v off the phone's own deadline", off)
	}
	o.ended = now + 3*time.Millisecond
	o.end(&end, now+time.Second, now+9*time.Millisecond, func(since time.Time) int { asked = since; return 2 })
	if !end.Known || math.Abs(end.Device-3) > 0.01 || math.Abs(end.Phone-9) > 0.01 || end.After != 2 {
		t.Errorf("end = %+v", end)
	}
	if off := o.boot(asked) - now; off < -time.Millisecond || off > time.Millisecond {
		t.Errorf("packets are counted from %v off the deadline", off)
	}
}

// TestEarsGap: what is not sent of silence is no gap; what does not come is one, and so
// is what comes late, and nothing at all up to the end.
func TestEarsGap(t *testing.T) {
	type packet struct{ rtp, came time.Duration }
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		packets []packet
		end     time.Duration
		want    time.Duration
	}{
		"every 20 ms":               {[]packet{{0, 0}, {20 * ms, 20 * ms}, {40 * ms, 40 * ms}}, 60 * ms, 20 * ms},
		"silence":                   {[]packet{{0, 0}, {420 * ms, 420 * ms}, {840 * ms, 840 * ms}}, 900 * ms, 20 * ms},
		"silence comes late":        {[]packet{{0, 0}, {420 * ms, 520 * ms}}, 600 * ms, 120 * ms},
		"longer than silence":       {[]packet{{0, 0}, {3000 * ms, 3000 * ms}}, 3000 * ms, 3000 * ms},
		"late":                      {[]packet{{0, 0}, {20 * ms, 700 * ms}}, 700 * ms, 700 * ms},
		"it stops":                  {[]packet{{0, 0}, {20 * ms, 20 * ms}}, 10_000 * ms, 9580 * ms},
		"it may have become silent": {[]packet{{0, 0}, {20 * ms, 20 * ms}}, 400 * ms, 20 * ms},
		"out of order":              {[]packet{{0, 0}, {40 * ms, 40 * ms}, {20 * ms, 41 * ms}}, 60 * ms, 20 * ms},
		"nothing came":              {nil, time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			hears := &ears{}
			for _, p := range tt.packets {
				hears.take(phonepeer.Packet{
					Header:  &rtp.Header{Timestamp: math.MaxUint32 - 100 + uint32(p.rtp*selftest.SampleRate/time.Second)},
					Payload: []byte{0xf8, 0xff, 0xfe}, At: p.came,
				})
			}
			if got := hears.gap(tt.end); got != tt.want {
				t.Errorf("gap = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestToTheEnd: what does not come any more is seen, although nothing comes after it.
func TestToTheEnd(t *testing.T) {
	r := phonepeer.Received{Packets: 100, Pictures: 60, First: time.Second, Last: 3 * time.Second, LongestGap: 50 * time.Millisecond}
	if got := trackOf(r, 11*time.Second).Gap; got != 8000 {
		t.Errorf("gap = %v ms, want 8000", got)
	}
	if got := rateOf(r, 11*time.Second); got != 6 {
		t.Errorf("rate = %v, want 6", got)
	}
	if got := trackOf(r, 3010*time.Millisecond).Gap; got != 50 {
		t.Errorf("gap = %v ms, want 50", got)
	}
	if got := trackOf(phonepeer.Received{}, time.Minute).Gap + rateOf(phonepeer.Received{}, time.Minute); got != 0 {
		t.Errorf("what has not begun has %v", got)
	}
}

// TestThroughout: the echo is looked for in as much sound as the talk was long, whatever
// was sent of it.
func TestThroughout(t *testing.T) {
	pcm, came := throughout(make([]int16, selftest.SampleRate), 2*time.Second, time.Second, 6*time.Second, true)
	if came != time.Second || len(pcm) != 5*selftest.SampleRate {
		t.Errorf("%d samples from %v on, want 5 s from 1s", len(pcm), came)
	}
	if !selftest.EchoOf(pcm, 0).Measured {
		t.Error("a talk of 5 s is too short for the echo")
	}
	if pcm, came := throughout(make([]int16, selftest.SampleRate), 90*time.Second, time.Second, 91*time.Second, false); came != 90*time.Second || len(pcm) != selftest.SampleRate {
		t.Errorf("before what is kept %d samples from %v on were made up", len(pcm), came)
	}
	if pcm, came := throughout(make([]int16, 10), time.Second, 2*time.Second, time.Second, true); came != time.Second || len(pcm) != 10 {
		t.Errorf("%d samples from %v on of what needs nothing", len(pcm), came)
	}
}

// TestFiguresOf: what the device says of its parts is kept, with the reason.
func TestFiguresOf(t *testing.T) {
	f := figuresOf(control.Status{Devices: []control.Device{
		{Kind: "camera", Name: "virtual", Wanted: "auto", Virtual: true, Reason: "no camera was found"},
		{Kind: "camera", Name: "usb-Yard", Wanted: "usb-Yard"},
		{Kind: "button", Name: "gpio"},
		{Kind: "speaker", Wanted: "none"},
	}}, Options{Codec: "h264", Talk: time.Second})
	want := []selftest.Part{
		{Kind: "camera", Name: "virtual", Wanted: "auto", Virtual: true, Reason: "no camera was found"},
		{Kind: "camera", Name: "usb-Yard", Wanted: "usb-Yard"}, {Kind: "speaker", Wanted: "none"},
	}
	if !slices.Equal(f.Hardware, want) || f.Parts != (selftest.Parts{Camera: "virtual"}) || f.Codec != "h264" {
		t.Errorf("figures = %+v", f)
	}
}
