//go:build linux && (amd64 || arm64 || arm)

package uapi

import (
	"unsafe"

	"callbox/hal/internal/ioctl"
)

// Values of drm/drm.h, drm/drm_mode.h and drm/drm_fourcc.h.
const (
	CapDumbBuffer = 1

	Connected    = 1 // in Connector.Connection
	Disconnected = 2 // 3 is unknown

	ModeTypePreferred = 1 << 3 // in Mode.Type
	ModeFlagInterlace = 1 << 4 // in Mode.Flags

	PageFlipEvent = 1 // in PageFlip.Flags

	EventFlipComplete = 2

	FormatXRGB8888 = 'X' | 'R'<<8 | '2'<<16 | '4'<<24
)

// connectors are the kernel's names of the types of connectors (drm_connector.c).
var connectors = []string{
	"Unknown", "VGA", "DVI-I", "DVI-D", "DVI-A", "Composite", "SVIDEO", "LVDS", "Component", "DIN", "DP", "HDMI-A", "HDMI-B",
	"TV", "eDP", "Virtual", "DSI", "DPI", "Writeback", "SPI", "USB",
}

// ConnectorType is the name of a type; "" of one that came later.
func ConnectorType(t uint32) string {
	if int(t) < len(connectors) {
		return connectors[t]
	}
	return ""
}

// code is DRM_IOWR(nr, size).
func code(nr, size uintptr) uintptr { return ioctl.Code(ioctl.Read|ioctl.Write, 'd', nr, size) }

// Ioctl numbers; the size of the argument is part of them. RemoveFB and DestroyDumb
// take a uint32, AuthMagic too, SetMaster nothing.
var (
	AuthMagic    = ioctl.Code(ioctl.Write, 'd', 0x11, unsafe.Sizeof(uint32(0)))
	SetMaster    = ioctl.Code(0, 'd', 0x1e, 0)
	GetCap       = code(0x0c, unsafe.Sizeof(Capability{}))
	GetResources = code(0xa0, unsafe.Sizeof(Resources{}))
	GetCRTC      = code(0xa1, unsafe.Sizeof(CRTC{}))
	SetCRTC      = code(0xa2, unsafe.Sizeof(CRTC{}))
	GetEncoder   = code(0xa6, unsafe.Sizeof(Encoder{}))
	GetConnector = code(0xa7, unsafe.Sizeof(Connector{}))
	RemoveFB     = code(0xaf, unsafe.Sizeof(uint32(0)))
	Flip         = code(0xb0, unsafe.Sizeof(PageFlip{}))
	CreateBuffer = code(0xb2, unsafe.Sizeof(CreateDumb{}))
	MapBuffer    = code(0xb3, unsafe.Sizeof(MapDumb{}))
	DestroyDumb  = code(0xb4, unsafe.Sizeof(uint32(0)))
	AddFB2       = code(0xb8, unsafe.Sizeof(Framebuffer{}))
)
