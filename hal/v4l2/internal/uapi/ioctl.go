//go:build linux && (amd64 || arm64 || arm)

package uapi

import (
	"unsafe"

	"callbox/hal/internal/ioctl"
)

// Values of linux/videodev2.h.
const (
	BufTypeVideoCapture = 1
	MemoryMmap          = 1
	FieldAny            = 0
	FieldNone           = 1

	CapVideoCapture = 0x00000001
	CapStreaming    = 0x04000000
	CapDeviceCaps   = 0x80000000 // DeviceCaps is set

	CapTimePerFrame = 0x1000 // in CaptureParm.Capability

	FmtFlagEmulated = 0x2 // in FmtDesc.Flags: converted in a library

	FrmTypeDiscrete   = 1 // of sizes and intervals; the others are ranges
	FrmTypeContinuous = 2
	FrmTypeStepwise   = 3

	BufFlagError          = 0x40
	BufFlagTimestampMask  = 0xe000
	BufFlagTimestampMono  = 0x2000
	BufFlagTimestampCopy  = 0x4000
	BufFlagTstampSrcMask  = 0x70000
	BufFlagTstampSrcStart = 0x10000 // the time is that of the start of exposure
)

// Pixel formats (fourcc codes).
var (
	PixYUYV  = FourCC("YUYV")
	PixNV12  = FourCC("NV12")
	PixYU12  = FourCC("YU12")
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
	SetParm            = code(ioctl.Read|ioctl.Write, 22, unsafe.Sizeof(StreamParm{}))
	EnumFrameSizes     = code(ioctl.Read|ioctl.Write, 74, unsafe.Sizeof(FrmSizeEnum{}))
	EnumFrameIntervals = code(ioctl.Read|ioctl.Write, 75, unsafe.Sizeof(FrmIvalEnum{}))
)
