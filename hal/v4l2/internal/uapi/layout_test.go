package uapi

import (
	"testing"

	"callbox/hal/internal/layouttest"
)

// layouts are from a C program that prints sizeof and offsetof of the structs of
// linux/videodev2.h (Linux 6.1), built for each architecture; for ARM with
// -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64.
var layouts = []struct {
	name         string
	wide, narrow int64 // sizes on amd64 and arm64, and on ARM
	offsets      map[string][2]int64
}{
	{"Capability", 104, 104, map[string][2]int64{"DeviceCaps": {88, 88}}},
	{"FmtDesc", 64, 64, map[string][2]int64{"PixelFormat": {44, 44}}},
	{"FrmSizeEnum", 44, 44, map[string][2]int64{"Stepwise": {12, 12}}},
	{"FrmIvalEnum", 52, 52, map[string][2]int64{"Min": {20, 20}}},
	{"Format", 208, 204, map[string][2]int64{"Pix": {8, 4}}},
	{"FormatMplane", 208, 204, map[string][2]int64{"Pix": {8, 4}}},
	{"PixFormatMplane", 192, 192, map[string][2]int64{"Planes": {20, 20}, "NumPlanes": {180, 180}}},
	{"PlanePixFormat", 20, 20, map[string][2]int64{"BytesPerLine": {4, 4}}},
	{"Plane", 64, 60, map[string][2]int64{"Offset": {8, 8}, "DataOffset": {16, 12}}},
	{"Control", 8, 8, map[string][2]int64{"Value": {4, 4}}},
	{"PixFormat", 48, 48, map[string][2]int64{"BytesPerLine": {16, 16}}},
	{"StreamParm", 204, 204, map[string][2]int64{"Capture": {4, 4}}},
	{"CaptureParm", 40, 40, map[string][2]int64{"TimePerFrame": {8, 8}}},
	{"RequestBuffers", 20, 20, map[string][2]int64{"Flags": {16, 16}}},
	{"Buffer", 88, 80, map[string][2]int64{
		"BytesUsed": {8, 8}, "Flags": {12, 12}, "Sec": {24, 24}, "Usec": {32, 32}, "Timecode": {40, 40},
		"Sequence": {56, 56}, "Memory": {60, 60}, "Offset": {64, 64}, "Length": {72, 68}, "RequestFD": {80, 76},
	}},
	{"Timecode", 16, 16, nil},
}

func TestLayouts(t *testing.T) {
	for column, archs := range [][]string{{"amd64", "arm64"}, {"arm"}} {
		var of []layouttest.Layout
		for _, tt := range layouts {
			one := layouttest.Layout{Name: tt.name, Size: [2]int64{tt.wide, tt.narrow}[column], Offsets: map[string]int64{}}
			for field, offsets := range tt.offsets {
				one.Offsets[field] = offsets[column]
			}
			of = append(of, one)
		}
		layouttest.Check(t, of, archs...)
	}
}

// TestNumbers holds what the C preprocessor makes of the VIDIOC_ macros.
func TestNumbers(t *testing.T) {
	wide := ^uintptr(0)>>63 == 1
	for _, tt := range []struct {
		name              string
		got, want, narrow uintptr
	}{
		{"QUERYCAP", QueryCap, 0x80685600, 0x80685600},
		{"ENUM_FMT", EnumFmt, 0xc0405602, 0xc0405602},
		{"S_FMT", SetFmt, 0xc0d05605, 0xc0cc5605},
		{"REQBUFS", ReqBufs, 0xc0145608, 0xc0145608},
		{"QUERYBUF", QueryBuf, 0xc0585609, 0xc0505609},
		{"QBUF", QBuf, 0xc058560f, 0xc050560f},
		{"DQBUF", DQBuf, 0xc0585611, 0xc0505611},
		{"STREAMON", StreamOn, 0x40045612, 0x40045612},
		{"STREAMOFF", StreamOff, 0x40045613, 0x40045613},
		{"G_PARM", GetParm, 0xc0cc5615, 0xc0cc5615},
		{"S_CTRL", SetCtrl, 0xc008561c, 0xc008561c},
		{"S_PARM", SetParm, 0xc0cc5616, 0xc0cc5616},
		{"ENUM_FRAMESIZES", EnumFrameSizes, 0xc02c564a, 0xc02c564a},
		{"ENUM_FRAMEINTERVALS", EnumFrameIntervals, 0xc034564b, 0xc034564b},
	} {
		want := tt.want
		if !wide {
			want = tt.narrow
		}
		if tt.got != want {
			t.Errorf("VIDIOC_%s = %#x, want %#x", tt.name, tt.got, want)
		}
	}
	if got := FourCC("YUYV"); got != 0x56595559 {
		t.Errorf("FourCC(YUYV) = %#x", got)
	}
}
