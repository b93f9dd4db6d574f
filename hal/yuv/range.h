// What is done to samples: callbox_range, and callbox_recolour of another matrix, below.
//
// Samples from the full range of a byte to the limited one of BT.601, as
// (v * mul + add) >> shift, which 16 bits hold: vectors do eight or more at a time.

#ifndef CALLBOX_YUV_RANGE_H
#define CALLBOX_YUV_RANGE_H

#include <stdint.h>

typedef struct {
	uint16_t mul, add;
	int shift;
} callbox_range;

// callbox_limit does h lines of w samples in place.
void callbox_limit(uint8_t *p, int stride, int w, int h, callbox_range r);

// callbox_halve_limit does the same with the mean of two lines each: 2 * h of src become
// h of dst.
void callbox_halve_limit(uint8_t *dst, int stride, const uint8_t *src, int src_stride, int w, int h, callbox_range r);

// callbox_colours are sums of samples with 14 bits behind the point, and what is added last:
// of luma what it takes of Y, Cb and Cr; of Cb and of Cr what they take of Cb and Cr.
typedef struct {
	int32_t y[4], cb[3], cr[3];
} callbox_colours;

// callbox_recolour brings a picture of w x h to other colours, in place.
void callbox_recolour(uint8_t *y, int y_stride, uint8_t *cb, uint8_t *cr, int c_stride, int w, int h, callbox_colours m);

#endif
