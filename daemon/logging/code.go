package logging

import (
	"runtime"
	"strings"

	"github.com/rs/zerolog"
)

// The keys by which codeHook says where a line was logged.
const (
	codeFile = "code_file"
	codeLine = "code_line"
	codeFunc = "code_func"
)

// codeHook adds to a line where it was logged.
type codeHook struct{}

// Run is called by zerolog for each line that is logged.
func (codeHook) Run(e *zerolog.Event, _ zerolog.Level, _ string) {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "github.com/rs/zerolog.") {
			e.Str(codeFile, frame.File).Int(codeLine, frame.Line).Str(codeFunc, frame.Function)
			return
		}
		if !more {
			return
		}
	}
}
