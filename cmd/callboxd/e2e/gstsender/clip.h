// The pictures that the sender sends: those of callbox's virtual camera, which the
// benchmark writes into a file of differences.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// clip is an endless loop of I420 pictures of which one is in memory.
typedef struct {
	FILE *file;
	int width, height, rate; // of the pictures, and how many there are a second
	uint32_t pictures;       // of the loop
	long second;             // where in the file the second picture begins
	uint32_t at;             // which picture is in memory
	uint8_t *picture;        // size bytes, plane after plane, without padding
	size_t size;
	uint8_t *patch; // a buffer
} clip;

// clip_open reads the first picture. On failure it says why and returns false.
bool clip_open(clip *c, const char *path);

// clip_next brings the next picture into memory. On failure it says why and returns
// false.
bool clip_next(clip *c);

// clip_stamp paints the time into the picture, in the form of hal/virtual/stamp.go.
void clip_stamp(clip *c, uint64_t microseconds);

void clip_close(clip *c);
