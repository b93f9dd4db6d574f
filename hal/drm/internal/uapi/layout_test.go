package uapi

import (
	"testing"

	"callbox/hal/internal/layouttest"
)

// layouts are from a C program that prints sizeof and offsetof of the structs of
// drm/drm.h and drm/drm_mode.h (libdrm 2.4.114) on amd64. They are the same on arm64 and
// ARM, which align 64 bits to 8 bytes; Go on ARM does not.
var layouts = []layouttest.Layout{
	{Name: "Capability", Size: 16},
	{Name: "Resources", Size: 64, Offsets: map[string]int64{"CountFBs": 32, "MaxHeight": 60}},
	{Name: "Mode", Size: 68, Offsets: map[string]int64{"Width": 4, "Height": 14, "Refresh": 24, "Flags": 28, "Type": 32, "Name": 36}},
	{Name: "CRTC", Size: 104, Offsets: map[string]int64{"ID": 12, "FB": 16, "ModeValid": 32, "Mode": 36}},
	{Name: "Encoder", Size: 20, Offsets: map[string]int64{"CRTC": 8, "PossibleCRTCs": 12}},
	{Name: "Connector", Size: 80, Offsets: map[string]int64{
		"ModesPtr": 8, "CountModes": 32, "CountEncoders": 40, "Encoder": 44, "ID": 48, "Type": 52, "TypeID": 56, "Connection": 60,
	}},
	{Name: "Framebuffer", Size: 104, Offsets: map[string]int64{"PixelFormat": 12, "Handles": 20, "Pitches": 36, "Modifiers": 72}},
	{Name: "PageFlip", Size: 24, Offsets: map[string]int64{"UserData": 16}},
	{Name: "CreateDumb", Size: 32, Offsets: map[string]int64{"Handle": 16, "Pitch": 20, "Size": 24}},
	{Name: "MapDumb", Size: 16, Offsets: map[string]int64{"Offset": 8}},
	{Name: "Event", Size: 8},
}

func TestLayouts(t *testing.T) { layouttest.Check(t, layouts, "amd64", "arm64", "arm") }

// TestNumbers holds what the C preprocessor makes of the DRM_IOCTL_ macros.
func TestNumbers(t *testing.T) {
	for _, tt := range []struct {
		name      string
		got, want uintptr
	}{
		{"AUTH_MAGIC", AuthMagic, 0x40046411},
		{"SET_MASTER", SetMaster, 0x641e},
		{"GET_CAP", GetCap, 0xc010640c},
		{"MODE_GETRESOURCES", GetResources, 0xc04064a0},
		{"MODE_GETCRTC", GetCRTC, 0xc06864a1},
		{"MODE_SETCRTC", SetCRTC, 0xc06864a2},
		{"MODE_GETENCODER", GetEncoder, 0xc01464a6},
		{"MODE_GETCONNECTOR", GetConnector, 0xc05064a7},
		{"MODE_RMFB", RemoveFB, 0xc00464af},
		{"MODE_PAGE_FLIP", Flip, 0xc01864b0},
		{"MODE_CREATE_DUMB", CreateBuffer, 0xc02064b2},
		{"MODE_MAP_DUMB", MapBuffer, 0xc01064b3},
		{"MODE_DESTROY_DUMB", DestroyDumb, 0xc00464b4},
		{"MODE_ADDFB2", AddFB2, 0xc06864b8},
		{"FORMAT_XRGB8888", FormatXRGB8888, 0x34325258},
	} {
		if tt.got != tt.want {
			t.Errorf("DRM_%s = %#x, want %#x", tt.name, tt.got, tt.want)
		}
	}
	for number, want := range map[uint32]string{1: "VGA", 10: "DP", 11: "HDMI-A", 14: "eDP", 15: "Virtual", 16: "DSI", 20: "USB", 21: ""} {
		if got := ConnectorType(number); got != want {
			t.Errorf("ConnectorType(%d) = %q, want %q", number, got, want)
		}
	}
}
