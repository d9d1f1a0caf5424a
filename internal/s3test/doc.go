// Package s3test tests s3upload against gofakes3, an S3 server. It is a module of its
// own, because s3upload must not require gofakes3.
package s3test
