package control

import (
	"runtime"
	"runtime/debug"
)

// version is set by the linker to what packaging/version says, and in a package to that of the package.
var version string

// ThisVersion returns the version of the running program.
func ThisVersion() Version {
	v := version
	if v == "" {
		v = "devel"
		if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
			v = info.Main.Version
		}
	}
	return Version{Version: v, Go: runtime.Version(), Protocol: 1, Platform: runtime.GOOS + "/" + runtime.GOARCH}
}
