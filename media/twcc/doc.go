// Package twcc numbers what is sent across all streams of a session, and reads what
// the phone says became of it (draft-holmer-rmcat-transport-wide-cc-extensions-01). It
// is an interceptor of pion.
package twcc
