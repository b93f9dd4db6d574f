// Package e2e calls the real daemon from a real browser.
//
// Its tests are behind build tags, because they need the built binaries and
// Debian's Chromium: "make e2e" (tag e2e) and "make test-device" (tag device).
package e2e
