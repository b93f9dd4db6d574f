package avcodec

import (
	"testing"

	"go.uber.org/goleak"

	"callbox/media/codec/avcodec/plugintest"
)

// library is the plugin as it was just built, faulty the one with the faults of drivers.
var library, faulty *Library //nolint:gochecknoglobals // set once by TestMain

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(plugintest.Main{M: m, Use: func(p *plugintest.Plugins) (err error) {
		if library, err = Open(p.Sound); err != nil {
			return err
		}
		faulty, err = Open(p.Faulty)
		return err
	}})
}
