package media

import (
	"github.com/pion/logging"
	"github.com/rs/zerolog"
)

// pionLog writes what pion logs into ours. pion warns of what is the network's
// daily business, so everything goes down a step or two.
type pionLog struct{ log zerolog.Logger }

func (l pionLog) NewLogger(scope string) logging.LeveledLogger {
	return pionScope{l.log.With().Str("pion", scope).Logger()}
}

type pionScope struct{ log zerolog.Logger }

func (l pionScope) Trace(msg string)               { l.log.Trace().Msg(msg) }
func (l pionScope) Tracef(format string, a ...any) { l.log.Trace().Msgf(format, a...) }
func (l pionScope) Debug(msg string)               { l.log.Trace().Msg(msg) }
func (l pionScope) Debugf(format string, a ...any) { l.log.Trace().Msgf(format, a...) }
func (l pionScope) Info(msg string)                { l.log.Debug().Msg(msg) }
func (l pionScope) Infof(format string, a ...any)  { l.log.Debug().Msgf(format, a...) }
func (l pionScope) Warn(msg string)                { l.log.Debug().Msg(msg) }
func (l pionScope) Warnf(format string, a ...any)  { l.log.Debug().Msgf(format, a...); l.refusal(a) }
func (l pionScope) Error(msg string)               { l.log.Warn().Msg(msg) }
func (l pionScope) Errorf(format string, a ...any) { l.log.Warn().Msgf(format, a...); l.refusal(a) }
