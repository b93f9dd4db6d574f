package gpio

import (
	"strings"
	"unsafe"

	"callbox/hal/internal/ioctl"
)

// Ioctl numbers of linux/gpio.h, second version of the interface (Linux 5.10).
var (
	getChipInfo = ioctl.Code(ioctl.Read, 0xb4, 0x01, unsafe.Sizeof(chipInfo{}))
	getLineInfo = ioctl.Code(ioctl.Read|ioctl.Write, 0xb4, 0x05, unsafe.Sizeof(lineInfo{}))
	getLine     = ioctl.Code(ioctl.Read|ioctl.Write, 0xb4, 0x07, unsafe.Sizeof(lineRequest{}))
	getValues   = ioctl.Code(ioctl.Read|ioctl.Write, 0xb4, 0x0e, unsafe.Sizeof(lineValues{}))
	setValues   = ioctl.Code(ioctl.Read|ioctl.Write, 0xb4, 0x0f, unsafe.Sizeof(lineValues{}))
)

// Flags of a line.
const (
	flagUsed         = 1 << 0
	flagActiveLow    = 1 << 1
	flagInput        = 1 << 2
	flagOutput       = 1 << 3
	flagEdgeRising   = 1 << 4 // to active: the kernel turns levels round for flagActiveLow
	flagEdgeFalling  = 1 << 5
	flagBiasPullUp   = 1 << 8
	flagBiasPullDown = 1 << 9
	flagBiasDisabled = 1 << 10
)

// attrOutputValues is the attribute with the values that outputs begin with.
const attrOutputValues = 2

type chipInfo struct {
	Name  [32]byte
	Label [32]byte
	Lines uint32
}

type lineAttribute struct {
	ID    uint32
	_     uint32
	Value uint64
}

type lineInfo struct {
	Name     [32]byte
	Consumer [32]byte
	Offset   uint32
	NumAttrs uint32
	Flags    uint64
	Attrs    [10]lineAttribute
	_        [4]uint32
}

type lineConfigAttribute struct {
	Attr lineAttribute
	Mask uint64
}

type lineConfig struct {
	Flags    uint64
	NumAttrs uint32
	_        [5]uint32
	Attrs    [10]lineConfigAttribute
}

type lineRequest struct {
	Offsets         [64]uint32
	Consumer        [32]byte
	Config          lineConfig
	NumLines        uint32
	EventBufferSize uint32
	_               [5]uint32
	FD              int32
}

type lineValues struct {
	Bits uint64
	Mask uint64
}

// eventSize is that of struct gpio_v2_line_event, of which only its coming counts.
const eventSize = 48

// text returns a C string.
func text(p []byte) string {
	s, _, _ := strings.Cut(string(p), "\x00")
	return s
}
