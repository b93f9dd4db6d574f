// Package uapi is the part of linux/videodev2.h that a camera needs, with the
// layouts that amd64, arm64 and 32-bit ARM share or differ in.
//
// This file imports nothing, so that its test can lay the structs out for every
// architecture. On 32-bit ARM it is the ABI with 64-bit times (Linux 5.6 and
// newer), whatever the C library in use thinks a time_t is.
package uapi

// Capability is struct v4l2_capability.
type Capability struct {
	Driver       [16]byte
	Card         [32]byte
	BusInfo      [32]byte
	Version      uint32
	Capabilities uint32
	DeviceCaps   uint32
	Reserved     [3]uint32
}

// FmtDesc is struct v4l2_fmtdesc.
type FmtDesc struct {
	Index       uint32
	Type        uint32
	Flags       uint32
	Description [32]byte
	PixelFormat uint32
	MbusCode    uint32
	Reserved    [3]uint32
}

// FrmSizeEnum is struct v4l2_frmsizeenum. Of a discrete size only the first two
// words of Stepwise are set, as width and height.
type FrmSizeEnum struct {
	Index       uint32
	PixelFormat uint32
	Type        uint32
	Stepwise    FrmSizeStepwise
	Reserved    [2]uint32
}

// FrmSizeStepwise is struct v4l2_frmsize_stepwise.
type FrmSizeStepwise struct {
	MinWidth, MaxWidth, StepWidth    uint32
	MinHeight, MaxHeight, StepHeight uint32
}

// Discrete returns the size when the enumeration is discrete.
func (s FrmSizeStepwise) Discrete() (width, height uint32) { return s.MinWidth, s.MaxWidth }

// FrmIvalEnum is struct v4l2_frmivalenum. Of a discrete interval only Min is set.
type FrmIvalEnum struct {
	Index       uint32
	PixelFormat uint32
	Width       uint32
	Height      uint32
	Type        uint32
	Min         Fract
	Max         Fract
	Step        Fract
	Reserved    [2]uint32
}

// Fract is struct v4l2_fract.
type Fract struct{ Numerator, Denominator uint32 }

// Format is struct v4l2_format of a single-planar type. Its union is 200 bytes
// and aligned like a pointer, because another member of it holds one.
type Format struct {
	Type uint32
	_    [0]uintptr
	Pix  PixFormat
	_    [152]byte
}

// PixFormat is struct v4l2_pix_format.
type PixFormat struct {
	Width        uint32
	Height       uint32
	PixelFormat  uint32
	Field        uint32
	BytesPerLine uint32
	SizeImage    uint32
	Colorspace   uint32
	Priv         uint32
	Flags        uint32
	YcbcrEnc     uint32
	Quantization uint32
	XferFunc     uint32
}

// FormatMplane is struct v4l2_format of a multi-planar type.
type FormatMplane struct {
	Type uint32
	_    [0]uintptr
	Pix  PixFormatMplane
	_    [8]byte
}

// MaxPlanes is VIDEO_MAX_PLANES.
const MaxPlanes = 8

// PixFormatMplane is struct v4l2_pix_format_mplane, which is packed.
type PixFormatMplane struct {
	Width        uint32
	Height       uint32
	PixelFormat  uint32
	Field        uint32
	Colorspace   uint32
	Planes       [MaxPlanes]PlanePixFormat
	NumPlanes    uint8
	Flags        uint8
	YcbcrEnc     uint8
	Quantization uint8
	XferFunc     uint8
	Reserved     [7]uint8
}

// PlanePixFormat is struct v4l2_plane_pix_format.
type PlanePixFormat struct {
	SizeImage    uint32
	BytesPerLine uint32
	Reserved     [6]uint16
}

// Plane is struct v4l2_plane.
type Plane struct {
	BytesUsed  uint32
	Length     uint32
	Offset     uintptr // the union m; the offset is in its first four bytes
	DataOffset uint32
	Reserved   [11]uint32
}

// Control is struct v4l2_control.
type Control struct {
	ID    uint32
	Value int32
}

// StreamParm is struct v4l2_streamparm of a capture type.
type StreamParm struct {
	Type    uint32
	Capture CaptureParm
	_       [160]byte
}

// CaptureParm is struct v4l2_captureparm.
type CaptureParm struct {
	Capability   uint32
	CaptureMode  uint32
	TimePerFrame Fract
	ExtendedMode uint32
	ReadBuffers  uint32
	Reserved     [4]uint32
}

// RequestBuffers is struct v4l2_requestbuffers.
type RequestBuffers struct {
	Count        uint32
	Type         uint32
	Memory       uint32
	Capabilities uint32
	Flags        uint8
	Reserved     [3]uint8
}

// Buffer is struct v4l2_buffer. Of a multi-planar type, Offset is the address of its
// planes, and Length how many there are. The seconds begin on an
// offset of eight on all architectures; Go aligns int64 to four on ARM.
type Buffer struct {
	Index     uint32
	Type      uint32
	BytesUsed uint32
	Flags     uint32
	Field     uint32
	_         uint32
	Sec       int64
	Usec      int64
	Timecode  Timecode
	Sequence  uint32
	Memory    uint32
	Offset    uintptr // the union m; the offset is in its first four bytes
	Length    uint32
	Reserved2 uint32
	RequestFD int32
}

// Timecode is struct v4l2_timecode.
type Timecode struct {
	Type     uint32
	Flags    uint32
	Frames   uint8
	Seconds  uint8
	Minutes  uint8
	Hours    uint8
	Userbits [4]uint8
}
