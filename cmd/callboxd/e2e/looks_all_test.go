//go:build e2e && screenshots

package e2e

// All looks of each screen.
var everyLook = []look{
	{"phone", 390, 844, "light"}, {"phone", 390, 844, "dark"},
	{"desktop", 1280, 800, "light"}, {"desktop", 1280, 800, "dark"},
	{"lying", 844, 390, "light"},
}

var tours = []languageTour{{"en", everyLook}, {"zh-CN", everyLook}}

// stateTours is what the rarer states are seen in.
var stateTours = tours
