//go:build e2e && screenshots

package e2e

// All looks of each screen.
var (
	looks = []look{
		{"phone", 390, 844, "light"}, {"phone", 390, 844, "dark"},
		{"desktop", 1280, 800, "light"}, {"desktop", 1280, 800, "dark"},
	}
	languages = []string{"en", "zh-CN"}
)
