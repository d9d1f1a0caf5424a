// Package s3test tests s3upload against gofakes3, an S3 server. It is a module of its
// own, because s3upload must not require gofakes3.
//
// The tests check what gofakes3 does not: checksums, the region of the bucket, and the
// form of a chunked body. The server versity/versitygw checks more by itself. We do not
// use it, because it needs a newer version of Go than this repository, and requires the
// clients of Azure, Kafka, NATS, LDAP and Vault.
package s3test
