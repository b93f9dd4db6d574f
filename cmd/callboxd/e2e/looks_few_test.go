//go:build e2e && !screenshots

package e2e

// The looks in which each screen is checked whenever the tests run: one of each
// size, one of each scheme. "make screenshots" takes the others, too.
var (
	looks     = []look{{"phone", 390, 844, "light"}, {"desktop", 1280, 800, "dark"}}
	languages = []string{"en"}
)
