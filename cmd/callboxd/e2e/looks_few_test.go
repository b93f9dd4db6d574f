//go:build e2e && !screenshots

package e2e

// The looks in which each screen is checked whenever the tests run: in English one of
// each size, one of each scheme; in Chinese one. "make screenshots" takes the others,
// too.
var tours = []languageTour{
	{"en", []look{{"phone", 390, 844, "light"}, {"desktop", 1280, 800, "dark"}}},
	{"zh-CN", []look{{"phone", 390, 844, "dark"}}},
}

// stateTours is what the rarer states are seen in: each takes its time.
var stateTours = tours[:1]
