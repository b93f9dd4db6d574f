package uapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"testing"
)

// layouts are from a C program that prints sizeof and offsetof of the structs of
// drm/drm.h and drm/drm_mode.h (libdrm 2.4.114) on amd64. They are the same on arm64 and
// ARM, which align 64 bits to 8 bytes; Go on ARM does not.
var layouts = []struct {
	name    string
	size    int64
	offsets map[string]int64
}{
	{"Capability", 16, nil},
	{"Resources", 64, map[string]int64{"CountFBs": 32, "MaxHeight": 60}},
	{"Mode", 68, map[string]int64{"Width": 4, "Height": 14, "Refresh": 24, "Flags": 28, "Type": 32, "Name": 36}},
	{"CRTC", 104, map[string]int64{"ID": 12, "FB": 16, "ModeValid": 32, "Mode": 36}},
	{"Encoder", 20, map[string]int64{"CRTC": 8, "PossibleCRTCs": 12}},
	{"Connector", 80, map[string]int64{
		"ModesPtr": 8, "CountModes": 32, "CountEncoders": 40, "Encoder": 44, "ID": 48, "Type": 52, "TypeID": 56, "Connection": 60,
	}},
	{"Framebuffer", 104, map[string]int64{"PixelFormat": 12, "Handles": 20, "Pitches": 36, "Modifiers": 72}},
	{"PageFlip", 24, map[string]int64{"UserData": 16}},
	{"CreateDumb", 32, map[string]int64{"Handle": 16, "Pitch": 20, "Size": 24}},
	{"MapDumb", 16, map[string]int64{"Offset": 8}},
	{"Event", 8, nil},
}

func TestLayouts(t *testing.T) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "structs.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := new(types.Config).Check("uapi", set, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, arch := range []string{"amd64", "arm64", "arm"} {
		sizes := types.SizesFor("gc", arch)
		for _, tt := range layouts {
			s := pkg.Scope().Lookup(tt.name).Type().Underlying().(*types.Struct)
			if got := sizes.Sizeof(s); got != tt.size {
				t.Errorf("%s: sizeof %s = %d, want %d", arch, tt.name, got, tt.size)
			}
			var fields []*types.Var
			for f := range s.Fields() {
				fields = append(fields, f)
			}
			found := 0
			for i, offset := range sizes.Offsetsof(fields) {
				if want, ok := tt.offsets[fields[i].Name()]; ok {
					found++
					if offset != want {
						t.Errorf("%s: offsetof %s.%s = %d, want %d", arch, tt.name, fields[i].Name(), offset, want)
					}
				}
			}
			if found != len(tt.offsets) {
				t.Errorf("%s: %d of %d fields found", tt.name, found, len(tt.offsets))
			}
		}
	}
}

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
