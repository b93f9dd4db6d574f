package h264

import (
	"errors"
	"fmt"
)

// SPS is what matters of a sequence parameter set (7.3.2.1.1).
type SPS struct {
	Profile     byte // profile_idc
	Constraints byte // the constraint flags, constraint_set0_flag in the highest bit
	Level       byte // level_idc: ten times the level
	// Width and Height are those of the picture that is shown, in pixels; Coded is how
	// many pixels are decoded for it.
	Width, Height, Coded int
	// BT709 and FullRange say what the samples mean (E.2.1, matrix_coefficients and
	// video_full_range_flag); both are false when nothing is said.
	BT709, FullRange bool
}

// ConstrainedBaseline reports whether every decoder of constrained baseline decodes
// it (A.2.1.1).
func (s SPS) ConstrainedBaseline() bool {
	return s.Profile == 66 && s.Constraints&0x40 != 0
}

var errSPS = errors.New("cannot read a sequence parameter set")

// maxSide bounds the sizes that are believed: level 6.2 allows 16888.
const maxSide = 16888

// maxSPS is how many bytes of one are looked at: what counts comes first.
const maxSPS = 1 << 10

// ParseSPS reads an SPS, a NAL unit without start code. It takes 4:2:0 of 8 bits,
// frames only, in the profiles baseline, main, extended and high.
func ParseSPS(nal []byte) (SPS, error) {
	if len(nal) < 4 || Type(nal) != TypeSPS {
		return SPS{}, errSPS
	}
	s := SPS{Profile: nal[1], Constraints: nal[2], Level: nal[3]}
	r := newReader(nal[4:min(len(nal), maxSPS)])
	r.ue() // seq_parameter_set_id
	switch s.Profile {
	case 66, 77, 88:
	case 100:
		if r.ue() != 1 || r.ue() != 0 || r.ue() != 0 || r.bit() { // chroma_format_idc, bit depths, lossless
			return SPS{}, fmt.Errorf("%w: only 4:2:0 of 8 bits can be used", errSPS)
		}
		if r.bit() { // seq_scaling_matrix_present_flag
			for i := range 8 {
				if r.bit() {
					r.scalingList(16 + 48*(i/6))
				}
			}
		}
	default:
		return SPS{}, fmt.Errorf("%w: profile %d is unknown", errSPS, s.Profile)
	}
	r.ue() // log2_max_frame_num_minus4
	switch r.ue() {
	case 0:
		r.ue() // log2_max_pic_order_cnt_lsb_minus4
	case 1:
		r.bit()
		r.ue() // offsets are signed, of the same length
		r.ue()
		n := r.ue()
		if n > 255 {
			return SPS{}, errSPS
		}
		for range n {
			r.ue()
		}
	}
	r.ue() // max_num_ref_frames
	r.bit()
	mbs, rows := r.ue()+1, r.ue()+1
	if !r.bit() { // frame_mbs_only_flag
		return SPS{}, fmt.Errorf("%w: interlaced pictures cannot be used", errSPS)
	}
	r.bit() // direct_8x8_inference_flag
	var crop [4]int
	if r.bit() {
		for i := range crop {
			crop[i] = 2 * r.ue() // in units of chroma samples
		}
	}
	if r.short || mbs > maxSide/16 || rows > maxSide/16 {
		return SPS{}, errSPS
	}
	s.Width, s.Height, s.Coded = 16*mbs-crop[0]-crop[1], 16*rows-crop[2]-crop[3], 256*mbs*rows
	if s.Width < 2 || s.Height < 2 {
		return SPS{}, errSPS
	}
	if bt709, full := r.videoSignal(); !r.short {
		s.BT709, s.FullRange = bt709, full
	}
	return s, nil
}

// videoSignal reads the beginning of the VUI parameters (E.1.1).
func (r *reader) videoSignal() (bt709, full bool) {
	if !r.bit() { // vui_parameters_present_flag
		return false, false
	}
	const extendedSAR, matrixBT709 = 255, 1
	if r.bit() && r.bits(8) == extendedSAR { // aspect_ratio_info_present_flag
		r.bits(32)
	}
	if r.bit() { // overscan_info_present_flag
		r.bit()
	}
	if !r.bit() { // video_signal_type_present_flag
		return false, false
	}
	r.bits(3) // video_format
	full = r.bit()
	if r.bit() { // colour_description_present_flag
		r.bits(16) // colour_primaries, transfer_characteristics
		bt709 = r.bits(8) == matrixBT709
	}
	return bt709, full
}

// reader reads the bits of a NAL unit, without emulation prevention (7.4.1).
type reader struct {
	p     []byte
	n     int // bits read
	short bool
}

func newReader(p []byte) *reader {
	clean := make([]byte, 0, len(p))
	zeros := 0
	for _, b := range p {
		if zeros >= 2 && b == 3 {
			zeros = 0
			continue
		}
		if b == 0 {
			zeros++
		} else {
			zeros = 0
		}
		clean = append(clean, b)
	}
	return &reader{p: clean}
}

func (r *reader) bit() bool {
	if r.n >= 8*len(r.p) {
		r.short = true
		return false
	}
	b := r.p[r.n/8]>>(7-r.n%8)&1 != 0
	r.n++
	return b
}

// bits reads n bits, of which the last 32 count.
func (r *reader) bits(n int) (v uint32) {
	for range n {
		v <<= 1
		if r.bit() {
			v |= 1
		}
	}
	return v
}

// ue reads an Exp-Golomb code of at most 24 bits; a longer one ends the reading.
func (r *reader) ue() int {
	zeros := 0
	for !r.bit() {
		if zeros++; zeros > 24 || r.short {
			r.short = true
			return 0
		}
	}
	v := 1
	for range zeros {
		v <<= 1
		if r.bit() {
			v |= 1
		}
	}
	return v - 1
}

// scalingList passes over a scaling list (7.3.2.1.1.1).
func (r *reader) scalingList(size int) {
	last, next := 8, 8
	for range size {
		if next != 0 {
			code := r.ue()
			delta := (code + 1) / 2
			if code%2 == 0 {
				delta = -delta
			}
			next = (last + delta + 256) & 255
		}
		if next != 0 {
			last = next
		}
	}
}
