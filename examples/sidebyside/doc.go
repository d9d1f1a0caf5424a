// Package sidebyside contains one deployment written twice: with the client alone and
// with images.Deploy. A test deploys with both and counts the lines for README.md.
package sidebyside

import (
	"context"
	"io"
)

// upload stores an archive and returns its URI. For an implementation over S3 see
// examples/deploy.
type upload func(ctx context.Context, name string, archive io.ReadSeeker, size int64) (uri string, err error)
