package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"callbox/hal"
	"callbox/hal/clock"
	"callbox/hal/jpeg"
	"callbox/hal/v4l2/internal/uapi"
)

// Camera is a V4L2 camera; it implements hal.Camera. It is looked for anew at
// each Open, so that a camera that was unplugged and comes back as another node
// is found again.
type Camera struct {
	name  string
	clock clock.Clock
}

// New returns the camera with one of its names, as in List; it need not be there yet.
func New(name string, clk clock.Clock) *Camera { return &Camera{name: name, clock: clk} }

// Name returns the name that New was told.
func (c *Camera) Name() string { return c.name }

// Open starts the camera in the mode nearest to the wanted one; a size or rate
// of 0 stands for 1280x720 and 30. Errors wrap hal.ErrNotFound, hal.ErrBusy,
// hal.ErrGone or the kernel's error.
func (c *Camera) Open(want hal.VideoMode) (hal.VideoStream, error) {
	s, err := open(c, want, func(d device, path string, want hal.VideoMode) (*stream, error) { return c.start(d, path, want) })
	if err != nil {
		return nil, err // not a nil *stream in the interface
	}
	return s, nil
}

// open finds the camera's node and lets begin start it.
func open[S any](c *Camera, want hal.VideoMode, begin func(d device, path string, want hal.VideoMode) (S, error)) (_ S, err error) {
	var none S
	found, problems := List()
	i := slices.IndexFunc(found, func(d Device) bool { return d.Named(c.name) })
	if i < 0 {
		return none, errors.Join(notFound(c.name, found), problems)
	}
	want = hal.VideoMode{
		Width: cmp.Or(max(want.Width, 0), 1280), Height: cmp.Or(max(want.Height, 0), 720),
		FrameRate: cmp.Or(max(want.FrameRate, 0), 30),
	}
	path := found[i].Path
	s, err := opened(path, want, begin)
	if err != nil {
		return none, fmt.Errorf("cannot open camera %q (%s): %w", c.name, path, meaning(err))
	}
	return s, nil
}

func opened[S any](path string, want hal.VideoMode, begin func(d device, path string, want hal.VideoMode) (S, error)) (_ S, err error) {
	var none S
	n, err := openNode(path)
	if err != nil {
		return none, err
	}
	d, err := ask(n)
	if err != nil {
		n.close()
		return none, err
	}
	return begin(d, path, want)
}

func notFound(name string, found []Device) error {
	names := make([]string, len(found))
	for i, d := range found {
		names[i] = d.Name
	}
	list := "there is none"
	if len(names) > 0 {
		list = "set hal.camera.name to one of: " + strings.Join(names, ", ")
	}
	return fmt.Errorf("cannot open camera %q: %w; %s", name, hal.ErrNotFound, list)
}

// meaning adds our sentinel to an error of the kernel.
func meaning(err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return fmt.Errorf("%w: %w", hal.ErrBusy, err)
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENXIO), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %w", hal.ErrGone, err)
	case errors.Is(err, fs.ErrPermission):
		return refused(err)
	}
	return err
}

// start sets format and rate, and starts streaming. It closes the device when that
// fails.
func (c *Camera) start(d device, path string, want hal.VideoMode) (_ *stream, err error) {
	q := newKernelQueue(d, path)
	defer func() {
		if err != nil {
			q.close()
		}
	}()
	able := d.modes(costs, want)
	if len(able) == 0 {
		return nil, errors.New("it has none of the formats YU12, NV12, YUYV and MJPEG")
	}
	chosen := choose(able, want)
	lay, means, err := d.setFormat(chosen, costs)
	if err != nil {
		return nil, err
	}
	s := &stream{
		reader: reader{name: c.name, clock: c.clock, queue: q},
		layout: lay, colours: means.meaning(),
		mode: hal.VideoMode{Width: lay.width &^ 1, Height: lay.height &^ 1, FrameRate: d.setRate(chosen, want.FrameRate)},
	}
	s.frame.YCbCr = *image.NewYCbCr(image.Rect(0, 0, s.mode.Width, s.mode.Height), image.YCbCrSubsampleRatio420)
	if lay.format == uapi.PixMJPEG || lay.format == uapi.PixJPEG {
		if s.decoder, err = jpeg.NewDecoder(); err != nil {
			return nil, err
		}
		s.colours = hal.Colours{} // which the decoder gives
	}
	if s.buffers, err = q.start(); err != nil {
		s.closeDecoder()
		return nil, err
	}
	return s, nil
}

// setFormat asks for m; what the driver makes of it counts, if it is among the formats
// that can be used.
func (d device) setFormat(m mode, usable []uint32) (_ layout, means colours, err error) {
	var p pixels
	if d.mplane() {
		f := uapi.FormatMplane{Type: d.kind, Pix: uapi.PixFormatMplane{
			Width: uint32(m.width), Height: uint32(m.height), PixelFormat: m.format, Field: uapi.FieldNone,
		}}
		err = call(d.node, uapi.SetFmt, &f)
		p = pixels{f.Pix.PixelFormat, f.Pix.Width, f.Pix.Height, int(f.Pix.NumPlanes), f.Pix.Planes[0].BytesPerLine, f.Pix.Planes[1].BytesPerLine}
		means = colours{f.Pix.Colorspace, uint32(f.Pix.YcbcrEnc), uint32(f.Pix.Quantization)}
	} else {
		f := uapi.Format{Type: d.kind, Pix: uapi.PixFormat{
			Width: uint32(m.width), Height: uint32(m.height), PixelFormat: m.format, Field: uapi.FieldNone,
			Priv: uapi.PixFmtPrivMagic,
		}}
		err = call(d.node, uapi.SetFmt, &f)
		p = pixels{f.Pix.PixelFormat, f.Pix.Width, f.Pix.Height, 1, f.Pix.BytesPerLine, 0}
		if means.colorspace = f.Pix.Colorspace; f.Pix.Priv == uapi.PixFmtPrivMagic {
			means.encoding, means.quantization = f.Pix.YcbcrEnc, f.Pix.Quantization
		}
	}
	if err != nil {
		return layout{}, means, fmt.Errorf("cannot set format %s %dx%d: %w", fourCC(m.format), m.width, m.height, err)
	}
	if !slices.Contains(usable, p.format) {
		return layout{}, means, fmt.Errorf("cannot use the camera's format %s: wanted %s", fourCC(p.format), fourCC(m.format))
	}
	l, err := newLayout(p)
	return l, means, err
}

// setRate asks for a rate and returns the one that the driver gives. Drivers
// without a choice do not know S_PARM; their pictures come as they come.
func (d device) setRate(m mode, want float64) float64 {
	p := uapi.StreamParm{Type: d.kind}
	if call(d.node, uapi.GetParm, &p) == nil && p.Capture.Capability&uapi.CapTimePerFrame != 0 {
		p.Capture.TimePerFrame = interval(want)
		p.Capture.CaptureMode, p.Capture.ExtendedMode = 0, 0
		if call(d.node, uapi.SetParm, &p) != nil {
			p.Capture.TimePerFrame = uapi.Fract{}
		}
	}
	return cmp.Or(rate(p.Capture.TimePerFrame), m.rate, want)
}

func fourCC(code uint32) string {
	return string([]byte{byte(code), byte(code >> 8), byte(code >> 16), byte(code >> 24)})
}
