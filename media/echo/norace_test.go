//go:build !race

package echo

const raceDetector = false
