#include "range.h"

#define INLINE static inline __attribute__((always_inline))

INLINE void limit(uint8_t *p, int stride, int w, int h, callbox_range r) {
	for (int row = 0; row < h; row++, p += stride)
		for (int i = 0; i < w; i++) p[i] = (uint16_t)(p[i] * r.mul + r.add) >> r.shift;
}

INLINE void halve_limit(uint8_t *restrict dst, int stride, const uint8_t *restrict src, int src_stride, int w, int h, callbox_range r) {
	for (int row = 0; row < h; row++, dst += stride, src += 2 * src_stride) {
		const uint8_t *a = src, *b = src + src_stride;
		for (int i = 0; i < w; i++) {
			uint16_t mean = (uint16_t)(a[i] + b[i] + 1) >> 1;
			dst[i] = (uint16_t)(mean * r.mul + r.add) >> r.shift;
		}
	}
}

INLINE uint8_t sample(int32_t v) {
	v >>= 14;
	return v < 0 ? 0 : v > 255 ? 255 : v;
}

// A line of the largest picture, and the pixel that an odd one lacks.
enum { most = 16384 };

INLINE void recolour(uint8_t *y, int y_stride, uint8_t *restrict cb, uint8_t *restrict cr, int c_stride, int w, int h, callbox_colours m) {
	int32_t extra[most]; // what chroma adds to luma
	int cw = (w + 1) / 2;
	for (int row = 0; row < h; row += 2, cb += c_stride, cr += c_stride) {
		for (int i = 0; i < cw; i++) {
			int32_t u = cb[i], v = cr[i];
			extra[2 * i] = extra[2 * i + 1] = m.y[1] * u + m.y[2] * v + m.y[3];
			cb[i] = sample(m.cb[0] * u + m.cb[1] * v + m.cb[2]);
			cr[i] = sample(m.cr[0] * u + m.cr[1] * v + m.cr[2]);
		}
		for (int line = row; line < row + 2 && line < h; line++, y += y_stride)
			for (int i = 0; i < w; i++) y[i] = sample(m.y[0] * y[i] + extra[i]);
	}
}

#ifdef __x86_64__
__attribute__((target("avx2"))) static void limit_avx2(uint8_t *p, int stride, int w, int h, callbox_range r) {
	limit(p, stride, w, h, r);
}

__attribute__((target("avx2"))) static void halve_limit_avx2(uint8_t *dst, int stride, const uint8_t *src, int src_stride,
                                                             int w, int h, callbox_range r) {
	halve_limit(dst, stride, src, src_stride, w, h, r);
}
__attribute__((target("avx2"))) static void recolour_avx2(uint8_t *y, int y_stride, uint8_t *cb, uint8_t *cr, int c_stride,
                                                          int w, int h, callbox_colours m) {
	recolour(y, y_stride, cb, cr, c_stride, w, h, m);
}
#define AVX2(call) if (__builtin_cpu_supports("avx2")) { call; return; }
#else
#define AVX2(call)
#endif

void callbox_limit(uint8_t *p, int stride, int w, int h, callbox_range r) {
	AVX2(limit_avx2(p, stride, w, h, r))
	limit(p, stride, w, h, r);
}

void callbox_halve_limit(uint8_t *dst, int stride, const uint8_t *src, int src_stride, int w, int h, callbox_range r) {
	AVX2(halve_limit_avx2(dst, stride, src, src_stride, w, h, r))
	halve_limit(dst, stride, src, src_stride, w, h, r);
}

void callbox_recolour(uint8_t *y, int y_stride, uint8_t *cb, uint8_t *cr, int c_stride, int w, int h, callbox_colours m) {
	AVX2(recolour_avx2(y, y_stride, cb, cr, c_stride, w, h, m))
	recolour(y, y_stride, cb, cr, c_stride, w, h, m);
}
