// Package selftest judges a test call: figures in, a report out. It opens nothing and
// measures nothing; daemon/selftest/phone makes the call.
//
// The figures are those of docs/selftest.md: lengths in milliseconds, levels in dB of
// full scale, shares from 0 to 1.
package selftest
