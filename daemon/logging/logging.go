// Package logging makes the daemon's logger: one line a state change, fields instead of
// prose, on stderr, or in the journal with the fields as fields.
package logging

import (
	"io"
	"os"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/rs/zerolog"

	"callbox/daemon/config"
)

// New returns a logger that writes to w, which is stderr. The format auto is the
// journal where stderr leads there, for people in a terminal, and JSON elsewhere.
func New(cfg config.Log, w io.Writer) zerolog.Logger {
	SetLevel(cfg.Level)
	if cfg.Format == config.FormatAuto && UnderJournal() {
		if j, err := newJournal(journalSocket, w); err == nil {
			return zerolog.New(j).Hook(codeHook{})
		} // without its socket stderr reaches the journal, too
	}
	if cfg.Format == config.FormatConsole || cfg.Format == config.FormatAuto && (isTerminal(w) || UnderJournal()) {
		console := zerolog.ConsoleWriter{Out: w, TimeFormat: time.TimeOnly, NoColor: !isTerminal(w)}
		if UnderJournal() { // it stamps the lines itself
			console.PartsExclude = []string{zerolog.TimestampFieldName}
		}
		w = console
	}
	return zerolog.New(w).With().Timestamp().Logger()
}

// SetLevel changes what is logged by all loggers of the process, at once.
func SetLevel(level config.LogLevel) {
	l, err := zerolog.ParseLevel(string(level))
	if err != nil {
		l = zerolog.InfoLevel // the loader has refused every other word
	}
	zerolog.SetGlobalLevel(l)
}

// UnderJournal reports whether stderr leads to the journal: systemd says so in
// $JOURNAL_STREAM, and it is still that stream.
func UnderJournal() bool {
	ok, err := journal.StderrIsJournalStream()
	return ok && err == nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
