package avcodec

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"callbox/media/codec/avcodec/plugintest"
)

// library is the plugin as it was just built, faulty the one with the faults of drivers.
var library, faulty *Library //nolint:gochecknoglobals // set once by TestMain

func TestMain(m *testing.M) {
	flag.Parse()
	p, err := plugintest.Build()
	if err == nil {
		library, err = Open(p.Sound)
	}
	if err == nil {
		faulty, err = Open(p.Faulty)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1) //nolint:forbidigo // a TestMain's way
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		p.Remove()
		os.Exit(code) //nolint:forbidigo // a TestMain's way
	}))
}
