package media

import (
	"testing"

	"go.uber.org/goleak"

	"callbox/media/codec/avcodec/plugintest"
)

// plugins are those with the encoders of libavcodec, as they were just built.
var plugins *plugintest.Plugins //nolint:gochecknoglobals // set once by TestMain

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(plugintest.Main{M: m, Use: func(p *plugintest.Plugins) error {
		plugins = p
		return nil
	}})
}
