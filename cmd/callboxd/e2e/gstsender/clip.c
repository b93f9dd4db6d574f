#include "clip.h"

#include <stdlib.h>
#include <string.h>

// The file, all numbers little-endian and of 32 bits: width, height, pictures a
// second, pictures; the first picture; then for each picture, the last of them the
// first one again, how many runs of bytes differ from the picture before, and each
// run: where, how many bytes, and the bytes.

enum { most = 4096 }; // pixels wide and high

static bool read_all(clip *c, void *out, size_t n) {
	if (fread(out, 1, n, c->file) == n) return true;
	fprintf(stderr, "gstsender: cannot read the pictures: the file ends too early\n");
	return false;
}

static bool read_number(clip *c, uint32_t *out) {
	uint8_t b[4];
	if (!read_all(c, b, sizeof b)) return false;
	*out = b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
	return true;
}

bool clip_open(clip *c, const char *path) {
	memset(c, 0, sizeof *c);
	c->file = fopen(path, "rb");
	if (!c->file) {
		perror("gstsender: cannot open the pictures");
		return false;
	}
	uint32_t w, h, rate;
	if (!read_number(c, &w) || !read_number(c, &h) || !read_number(c, &rate) || !read_number(c, &c->pictures)) return false;
	if (w < 64 || w > most || w % 2 || h < 64 || h > most || h % 2 || rate < 1 || rate > 120 || c->pictures < 1) {
		fprintf(stderr, "gstsender: cannot send %u pictures of %ux%u, %u a second\n", c->pictures, w, h, rate);
		return false;
	}
	c->width = w;
	c->height = h;
	c->rate = rate;
	c->size = (size_t)w * h * 3 / 2;
	c->picture = malloc(c->size);
	c->patch = malloc(c->size);
	if (!c->picture || !c->patch) {
		fprintf(stderr, "gstsender: no memory for the pictures\n");
		return false;
	}
	if (!read_all(c, c->picture, c->size)) return false;
	c->second = ftell(c->file);
	return true;
}

bool clip_next(clip *c) {
	if (c->at == c->pictures) { // the first one again
		c->at = 0;
		if (fseek(c->file, c->second, SEEK_SET)) {
			perror("gstsender: cannot read the pictures");
			return false;
		}
	}
	uint32_t runs, from, n;
	if (!read_number(c, &runs)) return false;
	for (; runs; runs--) {
		if (!read_number(c, &from) || !read_number(c, &n)) return false;
		if (n > c->size || from > c->size - n) {
			fprintf(stderr, "gstsender: cannot read the pictures: a run lies outside\n");
			return false;
		}
		if (!read_all(c, c->patch, n)) return false;
		memcpy(c->picture + from, c->patch, n);
	}
	c->at++;
	return true;
}

enum { rows = 2, columns = 32, parts = 24, black = 16, white = 235 };

static uint64_t stamp_bits(uint64_t us) {
	us &= ((uint64_t)1 << 48) - 1;
	uint16_t crc = 0xFFFF;
	for (int i = 40; i >= 0; i -= 8) {
		crc ^= (us >> i & 0xFF) << 8;
		for (int k = 0; k < 8; k++) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
	}
	return us << 16 | crc;
}

void clip_stamp(clip *c, uint64_t microseconds) {
	uint64_t bits = stamp_bits(microseconds);
	int w = c->width, h = c->height;
	for (int r = 0; r < rows; r++) {
		for (int y = r * h / parts; y < (r + 1) * h / parts; y++) {
			for (int k = 0; k < columns; k++) {
				int from = k * w / columns, to = (k + 1) * w / columns;
				int value = bits >> (63 - (r * columns + k)) & 1 ? white : black;
				memset(c->picture + (size_t)y * w + from, value, to - from);
			}
		}
	}
	size_t grey = (size_t)((rows * h / parts + 1) / 2) * (w / 2);
	memset(c->picture + (size_t)w * h, 128, grey);
	memset(c->picture + (size_t)w * h * 5 / 4, 128, grey);
}

void clip_close(clip *c) {
	if (c->file) fclose(c->file);
	free(c->picture);
	free(c->patch);
}
