package evdev

import (
	"encoding/binary"
	"math/bits"
	"unsafe"

	"callbox/hal/button/key"
	"callbox/hal/internal/ioctl"
)

// Event types and codes of linux/input-event-codes.h.
const (
	typeSync = 0
	typeKey  = 1

	syncReport  = 0
	syncDropped = 3

	valueUp   = 0
	valueDown = 1 // 2 is auto-repeat
)

// wordSize is the size of the kernel's unsigned long. struct input_event has two
// of them as its time, whatever time_t the C library has: 24 bytes on 64-bit
// machines, 16 on 32-bit ones (there the seconds end in 2106 as the wall clock,
// never as the boot clock that Open asks for).
const (
	wordSize  = bits.UintSize / 8
	eventSize = 2*wordSize + 8
)

// clockBoot is CLOCK_BOOTTIME, for the ioctl that takes a pointer to it.
const clockBoot int32 = 7

// Ioctl numbers of linux/input.h.
var (
	getName  = ioctl.Code(ioctl.Read, 'E', 0x06, nameSize)
	getDown  = ioctl.Code(ioctl.Read, 'E', 0x18, unsafe.Sizeof(Keys{}))
	getKeys  = ioctl.Code(ioctl.Read, 'E', 0x20+typeKey, unsafe.Sizeof(Keys{}))
	grab     = ioctl.Code(ioctl.Write, 'E', 0x90, 4)
	setMask  = ioctl.Code(ioctl.Write, 'E', 0x93, unsafe.Sizeof(inputMask{}))
	setClock = ioctl.Code(ioctl.Write, 'E', 0xa0, 4)
)

const nameSize = 256

// inputMask is struct input_mask.
type inputMask struct {
	Type      uint32
	CodesSize uint32
	CodesPtr  uint64
}

// Keys is a set of keys, in the kernel's form.
type Keys [(int(key.Max) + 8) / 8]byte

// Has says whether c is in the set. The kernel fills words of its own size, which
// on a little-endian machine (all that we build for) is the same as bytes.
func (k *Keys) Has(c key.Code) bool { return c <= key.Max && k[c/8]&(1<<(c%8)) != 0 }

// Add puts c into the set.
func (k *Keys) Add(c key.Code) { k[c/8] |= 1 << (c % 8) }

// rawEvent is what struct input_event says.
type rawEvent struct {
	sec, usec uint64
	typ, code uint16
	value     int32
}

// readEvent takes one event of eventSize bytes apart.
func readEvent(p []byte) rawEvent {
	word := func(p []byte) uint64 {
		if wordSize == 4 {
			return uint64(binary.NativeEndian.Uint32(p))
		}
		return binary.NativeEndian.Uint64(p)
	}
	rest := p[2*wordSize:]
	return rawEvent{
		sec: word(p), usec: word(p[wordSize:]),
		typ: binary.NativeEndian.Uint16(rest), code: binary.NativeEndian.Uint16(rest[2:]),
		value: int32(binary.NativeEndian.Uint32(rest[4:])),
	}
}
