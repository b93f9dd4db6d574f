package v4l2

import (
	"callbox/hal"
	"callbox/hal/v4l2/internal/uapi"
)

// colours is what S_FMT returned of what the samples mean.
type colours struct{ colorspace, encoding, quantization uint32 }

// meaning is what pictures that are not compressed have then, by the rules of V4L2 for
// what a driver leaves open (V4L2_MAP_YCBCR_ENC_DEFAULT and V4L2_MAP_QUANTIZATION_DEFAULT
// of linux/videodev2.h). SMPTE 240M and BT.2020, which hal does not know, are taken for
// BT.709, which is nearest to them.
func (c colours) meaning() hal.Colours {
	var m hal.Colours
	switch c.encoding {
	case uapi.YCbCrEncDefault:
		switch c.colorspace {
		case uapi.ColorspaceREC709, uapi.ColorspaceDCIP3, uapi.ColorspaceBT2020, uapi.ColorspaceSMPTE240M:
			m.BT709 = true
		}
	case uapi.YCbCrEnc709, uapi.YCbCrEncXV709, uapi.YCbCrEncBT2020, uapi.YCbCrEncBT2020ConstLum, uapi.YCbCrEncSMPTE240M:
		m.BT709 = true
	}
	switch c.quantization {
	case uapi.QuantizationDefault:
		m.FullRange = c.colorspace == uapi.ColorspaceJPEG
	case uapi.QuantizationFullRange:
		m.FullRange = true
	}
	return m
}
