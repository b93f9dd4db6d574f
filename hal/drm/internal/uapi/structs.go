// Package uapi is the part of the kernel's mode setting interface (drm/drm.h,
// drm/drm_mode.h) that a display with dumb buffers needs. Fields named after a pointer
// hold addresses of arrays; a count says how many entries there are, and after the call
// how many there would be.
package uapi

// Capability is struct drm_get_cap.
type Capability struct {
	Capability uint64
	Value      uint64
}

// Resources is struct drm_mode_card_res.
type Resources struct {
	FBPtr, CRTCPtr, ConnectorPtr, EncoderPtr uint64 // of uint32

	CountFBs, CountCRTCs, CountConnectors, CountEncoders uint32
	MinWidth, MaxWidth, MinHeight, MaxHeight             uint32
}

// Mode is struct drm_mode_modeinfo.
type Mode struct {
	Clock                                       uint32 // kHz
	Width, HSyncStart, HSyncEnd, HTotal, HSkew  uint16
	Height, VSyncStart, VSyncEnd, VTotal, VScan uint16
	Refresh                                     uint32 // Hz
	Flags, Type                                 uint32
	Name                                        [32]byte
}

// CRTC is struct drm_mode_crtc.
type CRTC struct {
	ConnectorsPtr   uint64 // of uint32; only to set
	CountConnectors uint32
	ID, FB, X, Y    uint32
	GammaSize       uint32
	ModeValid       uint32
	Mode            Mode
}

// Encoder is struct drm_mode_get_encoder.
type Encoder struct {
	ID, Type       uint32
	CRTC           uint32 // that it is used by; 0: by none
	PossibleCRTCs  uint32 // bits, by the order of Resources
	PossibleClones uint32
}

// Connector is struct drm_mode_get_connector.
type Connector struct {
	EncodersPtr   uint64 // of uint32
	ModesPtr      uint64 // of Mode
	PropsPtr      uint64
	PropValuesPtr uint64

	CountModes, CountProps, CountEncoders uint32
	Encoder                               uint32 // that it uses; 0: none
	ID, Type, TypeID                      uint32
	Connection                            uint32
	MMWidth, MMHeight, SubPixel           uint32
	_                                     uint32
}

// Framebuffer is struct drm_mode_fb_cmd2.
type Framebuffer struct {
	ID, Width, Height uint32
	PixelFormat       uint32
	Flags             uint32
	Handles           [4]uint32
	Pitches           [4]uint32
	Offsets           [4]uint32
	_                 uint32 // 64 bits are aligned to 8 bytes on 32-bit ARM, too
	Modifiers         [4]uint64
}

// PageFlip is struct drm_mode_crtc_page_flip.
type PageFlip struct {
	CRTC, FB, Flags uint32
	_               uint32
	UserData        uint64
}

// CreateDumb is struct drm_mode_create_dumb.
type CreateDumb struct {
	Height, Width, BitsPerPixel, Flags uint32
	Handle, Pitch                      uint32 // answers
	Size                               uint64 // the same
}

// MapDumb is struct drm_mode_map_dumb.
type MapDumb struct {
	Handle uint32
	_      uint32
	Offset uint64 // for mmap
}

// Event is struct drm_event, the beginning of each event.
type Event struct {
	Type   uint32
	Length uint32 // bytes, with these
}
