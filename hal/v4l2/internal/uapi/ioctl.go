//go:build linux && (amd64 || arm64 || arm)

package uapi

import (
	"unsafe"

	"callbox/hal/internal/ioctl"
)

// Values of linux/videodev2.h.
const (
	BufTypeVideoCapture       = 1
	BufTypeVideoCaptureMplane = 9
	MemoryMmap                = 1
	FieldAny                  = 0
	FieldNone                 = 1

	CapVideoCapture       = 0x00000001
	CapVideoCaptureMplane = 0x00001000
	CapStreaming          = 0x04000000
	CapDeviceCaps         = 0x80000000 // DeviceCaps is set

	CapTimePerFrame = 0x1000 // in CaptureParm.Capability

	FmtFlagEmulated = 0x2 // in FmtDesc.Flags: converted in a library

	FrmTypeDiscrete   = 1 // of sizes and intervals; the others are ranges
	FrmTypeContinuous = 2
	FrmTypeStepwise   = 3

	BufFlagKeyframe       = 0x8
	BufFlagError          = 0x40
	BufFlagTimestampMask  = 0xe000
	BufFlagTimestampMono  = 0x2000
	BufFlagTimestampCopy  = 0x4000
	BufFlagTstampSrcMask  = 0x70000
	BufFlagTstampSrcStart = 0x10000 // the time is that of the start of exposure
)

// What samples mean. Zero is the default of what stands above it.
const (
	PixFmtPrivMagic = 0xfeedcafe // in PixFormat.Priv: Flags and all after it are set

	ColorspaceSMPTE240M = 2
	ColorspaceREC709    = 3
	ColorspaceJPEG      = 7
	ColorspaceBT2020    = 10
	ColorspaceDCIP3     = 12

	YCbCrEncDefault        = 0
	YCbCrEnc709            = 2
	YCbCrEncXV709          = 4
	YCbCrEncBT2020         = 6
	YCbCrEncBT2020ConstLum = 7
	YCbCrEncSMPTE240M      = 8

	QuantizationDefault   = 0
	QuantizationFullRange = 1
)

// Controls of encoders, and values of them (linux/v4l2-controls.h).
const (
	CtrlBitrateMode     = 0x9909ce
	CtrlBitrate         = 0x9909cf // bit/s
	CtrlBFrames         = 0x9909ca
	CtrlGOPSize         = 0x9909cb
	CtrlHeaderMode      = 0x9909d8
	CtrlRepeatSequence  = 0x9909e2
	CtrlForceKeyFrame   = 0x9909e5
	CtrlH264IntraPeriod = 0x990a66
	CtrlH264Level       = 0x990a67
	CtrlH264Profile     = 0x990a6b

	BitrateModeConstant            = 1
	HeaderModeJoined               = 1 // with the first picture
	H264ProfileConstrainedBaseline = 1
	H264Level31                    = 9
	H264Level40                    = 11
)

// Pixel formats (fourcc codes). Those with an M have each plane in memory of its own.
var (
	PixYUYV  = FourCC("YUYV")
	PixNV12  = FourCC("NV12")
	PixYU12  = FourCC("YU12")
	PixNV12M = FourCC("NM12")
	PixYU12M = FourCC("YM12")
	PixH264  = FourCC("H264")
	PixMJPEG = FourCC("MJPG")
	PixJPEG  = FourCC("JPEG")
)

// FourCC returns the code of a four-letter name.
func FourCC(name string) uint32 {
	return uint32(name[0]) | uint32(name[1])<<8 | uint32(name[2])<<16 | uint32(name[3])<<24
}

// code is _IOC(dir, 'V', nr, size).
func code(dir, nr, size uintptr) uintptr { return ioctl.Code(dir, 'V', nr, size) }

// Ioctl numbers; the size of the argument is part of them.
var (
	QueryCap           = code(ioctl.Read, 0, unsafe.Sizeof(Capability{}))
	EnumFmt            = code(ioctl.Read|ioctl.Write, 2, unsafe.Sizeof(FmtDesc{}))
	SetFmt             = code(ioctl.Read|ioctl.Write, 5, unsafe.Sizeof(Format{}))
	ReqBufs            = code(ioctl.Read|ioctl.Write, 8, unsafe.Sizeof(RequestBuffers{}))
	QueryBuf           = code(ioctl.Read|ioctl.Write, 9, unsafe.Sizeof(Buffer{}))
	QBuf               = code(ioctl.Read|ioctl.Write, 15, unsafe.Sizeof(Buffer{}))
	DQBuf              = code(ioctl.Read|ioctl.Write, 17, unsafe.Sizeof(Buffer{}))
	StreamOn           = code(ioctl.Write, 18, unsafe.Sizeof(int32(0)))
	StreamOff          = code(ioctl.Write, 19, unsafe.Sizeof(int32(0)))
	GetParm            = code(ioctl.Read|ioctl.Write, 21, unsafe.Sizeof(StreamParm{}))
	SetCtrl            = code(ioctl.Read|ioctl.Write, 28, unsafe.Sizeof(Control{}))
	SetParm            = code(ioctl.Read|ioctl.Write, 22, unsafe.Sizeof(StreamParm{}))
	EnumFrameSizes     = code(ioctl.Read|ioctl.Write, 74, unsafe.Sizeof(FrmSizeEnum{}))
	EnumFrameIntervals = code(ioctl.Read|ioctl.Write, 75, unsafe.Sizeof(FrmIvalEnum{}))
)
