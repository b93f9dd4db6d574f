package media

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/samplebuilder"

	"callbox/hal"
	"callbox/media/codec/picture"
)

// videoReceiver shows the phone's pictures: RTP, decoder, display. It exists only
// when there is a display.
type videoReceiver struct {
	s       *Session
	track   remotePictures
	codec   *videoCodec // of builder; both of the goroutine that reads
	builder *samplebuilder.SampleBuilder
	queue   chan received
	skipped atomic.Bool // a picture was thrown away since the last one in the queue
}

// remotePictures is the part of a webrtc.TrackRemote that is needed here.
type remotePictures interface {
	Codec() webrtc.RTPCodecParameters // of the packet that was read last
	SSRC() webrtc.SSRC
}

// received is a picture as the phone encoded it.
type received struct {
	codec   *videoCodec
	data    []byte
	rtp     uint32 // its time
	damaged bool   // pictures are missing before it
	arrived time.Duration
}

func newVideoReceiver(s *Session, track remotePictures) *videoReceiver {
	return &videoReceiver{s: s, track: track, queue: make(chan received, decodeQueue)}
}

// begin makes ready for packets of a codec; a phone may change it at any packet. It
// returns false when it is none that was negotiated.
func (v *videoReceiver) begin() bool {
	now := v.track.Codec().RTPCodecCapability
	if v.codec != nil && v.codec.matches(now) {
		return true
	}
	for _, c := range v.s.engine.codecs {
		if c.matches(now) {
			v.codec = c
			v.builder = samplebuilder.New(maxVideoPackets, c.depacketizer(), videoClock, samplebuilder.WithMaxTimeDelay(videoReorder))
			return true
		}
	}
	return false
}

// push takes a packet; it never waits. A decoder that is behind loses pictures.
func (v *videoReceiver) push(p *rtp.Packet) {
	if !v.begin() {
		return
	}
	v.builder.Push(p)
	for sample := v.builder.Pop(); sample != nil; sample = v.builder.Pop() {
		v.s.count.videoFramesReceived.Add(1)
		r := received{
			codec: v.codec, data: sample.Data, rtp: sample.PacketTimestamp, arrived: v.s.now(),
			damaged: sample.PrevDroppedPackets > 0 || v.skipped.Load(),
		}
		select {
		case v.queue <- r:
			v.skipped.Store(false)
		default:
			v.skipped.Store(true)
		}
	}
}

// run decodes and shows until the session ends. A display that is gone is looked for,
// and meanwhile nothing is decoded.
func (v *videoReceiver) run() {
	select {
	case <-v.s.startedNow:
	case <-v.s.ctx.Done():
		return
	}
	e := v.s.engine
	if !e.display.take(v.s.ctx) {
		return
	}
	defer e.display.give()
	plugs := e.listen("display")
	defer plugs.Close()
	name, gone := e.opts.Display.Name(), false
	for {
		err := v.use(e.opts.Display, func() {
			if gone {
				gone = false
				v.s.deviceBack("display", name)
			}
		})
		if v.s.ctx.Err() != nil {
			return
		}
		if !gone {
			gone = true
			v.s.deviceGone("display", name, err)
		}
		plugs.Wait(v.s.ctx, reopenDevice)
		v.forget()
	}
}

// use shows pictures on a display until the session or the display ends. It calls first
// when the display is open.
func (v *videoReceiver) use(display hal.Display, first func()) error {
	screen, err := display.Open()
	if err != nil {
		return err
	}
	defer func() { _ = screen.Close() }() // the call is over for the display either way
	first()
	captioned, _ := screen.(hal.Captioned)
	var tick <-chan time.Time // nil: there is no caption
	if captioned != nil {
		captioned.Caption(hal.Caption{Name: v.s.cfg.Name, Deadline: v.s.deadlineAt()})
		if err := captioned.Refresh(); err != nil { // the name, until the first picture comes
			return err
		}
		ticker := time.NewTicker(captionTick)
		defer ticker.Stop()
		tick = ticker.C
	}
	var dec decoding
	defer dec.close()
	v.requestKeyframe() // what came before was thrown away
	for {
		select {
		case <-v.s.ctx.Done():
			return nil
		case r := <-v.queue:
			err = v.show(r, &dec, screen)
		case <-tick:
			if v.s.running() {
				err = captioned.Refresh()
			}
		}
		if err != nil {
			return err
		}
	}
}

// forget throws away what has come while there was no display.
func (v *videoReceiver) forget() {
	for {
		select {
		case <-v.queue:
			v.skipped.Store(true)
		default:
			return
		}
	}
}

// show decodes and shows one picture; its error is that of the display.
func (v *videoReceiver) show(r received, dec *decoding, screen hal.DisplayStream) error {
	if !v.s.running() {
		return nil
	}
	if err := dec.use(r.codec); err != nil {
		return err
	}
	if r.damaged {
		dec.Lost()
	}
	dec.look(r.data)
	img, err := dec.Decode(r.data)
	if errors.Is(err, picture.ErrNeedKeyframe) {
		v.requestKeyframe()
	}
	if err != nil || img == nil {
		return nil //nolint:nilerr // damage on the way is the network's daily business
	}
	v.s.count.videoFramesDecoded.Add(1)
	if wait := v.s.together.hold(r.rtp, v.s.now()); wait > 0 {
		pause(v.s.ctx, wait)
		if !v.s.running() {
			return nil
		}
	}
	v.s.count.freezes.shown(v.s.now())
	v.s.count.shown.Store(r.codec)
	return screen.Show(&hal.Frame{YCbCr: *img, Captured: r.arrived, Colours: dec.colours})
}

// decoding is a decoder of the codec that the phone sends now.
type decoding struct {
	picture.Decoder // nil at the beginning
	codec           *videoCodec
	colours         hal.Colours
}

// look notes what a picture says of the colours from there on.
func (d *decoding) look(data []byte) {
	if d.codec.colours == nil {
		return
	}
	if c, ok := d.codec.colours(data); ok {
		d.colours = c
	}
}

func (d *decoding) use(c *videoCodec) error {
	if d.codec == c {
		return nil
	}
	d.close()
	var err error
	if d.Decoder, err = c.decoder(); err != nil {
		d.Decoder = nil
		return err
	}
	d.codec = c
	return nil
}

func (d *decoding) close() {
	if d.Decoder != nil {
		_ = d.Close() // never fails
		*d = decoding{}
	}
}

// requestKeyframe asks the phone for a keyframe, not too often.
func (v *videoReceiver) requestKeyframe() {
	if !v.s.pli.allow() {
		return
	}
	err := v.s.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(v.track.SSRC())}})
	if err != nil {
		v.s.log.Trace().Err(err).Msg("keyframe request")
	}
}
