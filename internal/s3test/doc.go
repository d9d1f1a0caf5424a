// Package s3test tests s3upload against a server of S3, gofakes3, which s3upload must not
// require.
package s3test
