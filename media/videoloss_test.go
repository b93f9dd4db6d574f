package media

import (
	"image"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"callbox/hal"
	"callbox/hal/virtual"
	"callbox/media/codec/picture"
)

// numbered are pictures that say which one they are, by a stamp and by how light they
// are: one that is decoded from another picture than the one before it is seen.
func numbered(n int) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, 320, 180), image.YCbCrSubsampleRatio420)
	for i := range m.Y {
		m.Y[i] = shade(n)
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = 128, 128
	}
	virtual.Stamp(m, time.Duration(n)*10*time.Millisecond)
	return m
}

func shade(n int) byte { return byte(40 + n*37%160) }

// numberDisplay notes the numbers of the pictures that are shown; -1 is a damaged one.
type numberDisplay struct {
	mu    sync.Mutex
	shown []int
}

func (d *numberDisplay) Name() string                     { return "numbers" }
func (d *numberDisplay) Open() (hal.DisplayStream, error) { return d, nil }
func (d *numberDisplay) Close() error                     { return nil }

func (d *numberDisplay) Show(f *hal.Frame) error {
	n := -1
	if at, ok := virtual.ReadStamp(&f.YCbCr); ok {
		n = int(at / (10 * time.Millisecond))
		if off := int(f.Y[f.YOffset(160, 150)]) - int(shade(n)); off < -12 || off > 12 {
			n = -1
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.shown = append(d.shown, n)
	return nil
}

func (d *numberDisplay) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.shown)
}

func (d *numberDisplay) last() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.shown) == 0 {
		return 0
	}
	return d.shown[len(d.shown)-1]
}

// TestPicturesThatAreLost: of a picture of which a packet never comes nothing is shown, nor
// of those that need it; the phone is asked for a keyframe, and from that one on pictures
// are shown again, long before the buffer is full. What only comes late, after packets of
// two later pictures, is waited for. Each codec has a way of its own to put packets
// together.
func TestPicturesThatAreLost(t *testing.T) {
	for _, c := range knownCodecs() {
		t.Run(string(c.name), func(t *testing.T) { testPicturesThatAreLost(t, c) })
	}
}

func testPicturesThatAreLost(t *testing.T, c *videoCodec) {
	display := &numberDisplay{}
	p := newCuttablePhone(t, testEngine(t, func(o *EngineOptions) { o.Display = display }), true)
	track := &changingTrack{}
	sender, err := p.pc.AddTransceiverFromTrack(track)
	if err != nil {
		t.Fatal(err)
	}
	enc, err := c.builder(30, 3_000_000, 0).New(picture.Params{Width: 320, Height: 180, FrameRate: 30, Bitrate: 3_000_000})
	if err != nil {
		t.Fatal(err)
	}
	defer enc.Close()
	p.take(p.answer())
	var asked atomic.Int64
	go func() { // ends with the connection
		for {
			packets, _, err := sender.Sender().ReadRTCP()
			if err != nil {
				return
			}
			for _, packet := range packets {
				if _, ok := packet.(*rtcp.PictureLossIndication); ok {
					asked.Add(1)
				}
			}
		}
	}()
	p.session.Accept(Limit{})

	// Which pictures are lost and late is set when what is before them is over, however long
	// a slow machine takes to connect.
	lossAt, lateAt := math.MaxInt, math.MaxInt
	n, keyAt, late := 0, 0, []func(){}
	var answered int64
	send := func() {
		n++
		if now := asked.Load(); now > answered {
			answered = now
			if n > lossAt && keyAt == 0 {
				keyAt = n
			}
			if err := enc.ForceKeyFrame(); err != nil {
				t.Fatal(err)
			}
		}
		f, err := enc.Encode(numbered(n), time.Duration(n)*33*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		packets := track.packets(c.capability.MimeType, f.Data)
		if len(packets) < 2 {
			t.Fatalf("picture %d has %d packets", n, len(packets))
		}
		for i, send := range packets {
			switch {
			case n == lossAt && i == 1:
			case n == lateAt && i == 1:
				late = append(late, send)
			default:
				send()
			}
		}
		if n == lateAt+2 {
			for _, send := range late {
				send()
			}
		}
		time.Sleep(33 * time.Millisecond)
	}
	p.eventually(15*time.Second, "pictures are shown", func() bool { send(); return display.count() >= 20 })
	lossAt = n + 1
	p.eventually(15*time.Second, "pictures are shown after one was lost", func() bool { send(); return display.last() > lossAt })
	if asked.Load() == 0 || keyAt == 0 {
		t.Fatal("no keyframe was asked for")
	}
	if keyAt > lossAt+20 { // 200 ms are 6 pictures; a full buffer would be a hundred
		t.Errorf("after picture %d was lost, the phone was asked for a keyframe before picture %d", lossAt, keyAt)
	}
	for range 10 { // what was asked for meanwhile has come
		send()
	}
	before := asked.Load()
	lateAt = n + 1
	p.eventually(15*time.Second, "pictures go on after one was late", func() bool { send(); return n > lateAt+5 && display.last() > lateAt })
	if asked.Load() != before {
		t.Errorf("for a picture that was only late a keyframe was asked for")
	}
	display.mu.Lock()
	defer display.mu.Unlock()
	if slices.Contains(display.shown, -1) || !slices.IsSorted(display.shown) {
		t.Errorf("damaged pictures (-1), or some in another order, were shown: %v", display.shown)
	}
	for lost := lossAt; lost < keyAt; lost++ {
		if slices.Contains(display.shown, lost) {
			t.Errorf("picture %d was shown, which needs the lost one", lost)
		}
	}
	if !slices.Contains(display.shown, lateAt) {
		t.Errorf("picture %d, which was only late, was not shown: %v", lateAt, display.shown)
	}
}

// packets are the functions that send the packets of a picture.
func (t *changingTrack) packets(mime string, picture []byte) (all []func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.time += 3000
	for _, c := range knownCodecs() {
		for _, p := range t.codecs {
			if c.capability.MimeType != mime || !c.matches(p.RTPCodecCapability) || all != nil {
				continue
			}
			payloads := cut(c, 80, picture)
			for i, payload := range payloads {
				t.sequence++
				header := &rtp.Header{
					Version: 2, Marker: i == len(payloads)-1, SequenceNumber: t.sequence, Timestamp: t.time,
					SSRC: uint32(t.ssrc), PayloadType: uint8(p.PayloadType),
				}
				all = append(all, func() {
					t.mu.Lock()
					defer t.mu.Unlock()
					_, _ = t.out.WriteRTP(header, payload)
				})
			}
		}
	}
	return all
}
