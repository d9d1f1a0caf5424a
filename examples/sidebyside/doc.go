// Package sidebyside has one deployment written twice, for the README: with the client alone and with
// images.Deploy. A test deploys with both and counts the lines.
package sidebyside

import (
	"context"
	"io"
)

// upload stores an archive and returns its URI; examples/deploy has one for S3.
type upload func(ctx context.Context, name string, archive io.ReadSeeker, size int64) (uri string, err error)
