// Package phone holds the phone's side: the SDK and the call page, in TypeScript.
// For Go it is the built page, which the daemon serves.
package phone

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Page returns the files of the call page, with index.html at the root when the
// page was built (make phone); without it the server says so to who asks.
func Page() (fs.FS, error) {
	page, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("cannot open the call page: %w", err)
	}
	return page, nil
}
