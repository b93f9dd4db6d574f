//go:build linux && (amd64 || arm64 || arm)

package uapi

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
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

// Directions of an ioctl, as in asm-generic/ioctl.h, which x86 and ARM use.
const (
	dirWrite = 1
	dirRead  = 2
)

// code is _IOC(dir, 'V', nr, size).
func code(dir, nr, size uintptr) uintptr { return dir<<30 | size<<16 | 'V'<<8 | nr }

// Ioctl numbers; the size of the argument is part of them.
var (
	QueryCap           = code(dirRead, 0, unsafe.Sizeof(Capability{}))
	EnumFmt            = code(dirRead|dirWrite, 2, unsafe.Sizeof(FmtDesc{}))
	SetFmt             = code(dirRead|dirWrite, 5, unsafe.Sizeof(Format{}))
	ReqBufs            = code(dirRead|dirWrite, 8, unsafe.Sizeof(RequestBuffers{}))
	QueryBuf           = code(dirRead|dirWrite, 9, unsafe.Sizeof(Buffer{}))
	QBuf               = code(dirRead|dirWrite, 15, unsafe.Sizeof(Buffer{}))
	DQBuf              = code(dirRead|dirWrite, 17, unsafe.Sizeof(Buffer{}))
	StreamOn           = code(dirWrite, 18, unsafe.Sizeof(int32(0)))
	StreamOff          = code(dirWrite, 19, unsafe.Sizeof(int32(0)))
	GetParm            = code(dirRead|dirWrite, 21, unsafe.Sizeof(StreamParm{}))
	SetParm            = code(dirRead|dirWrite, 22, unsafe.Sizeof(StreamParm{}))
	EnumFrameSizes     = code(dirRead|dirWrite, 74, unsafe.Sizeof(FrmSizeEnum{}))
	EnumFrameIntervals = code(dirRead|dirWrite, 75, unsafe.Sizeof(FrmIvalEnum{}))
)

// Ioctl calls request with arg, again when a signal interrupts it. The errors
// are plain errno values.
func Ioctl[T any](fd int, request uintptr, arg *T) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(arg)))
		runtime.KeepAlive(arg)
		if errno == 0 {
			return nil
		}
		if errno != unix.EINTR {
			return errno
		}
	}
}
