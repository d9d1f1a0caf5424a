// Package s3upload stores the archives of images.Deploy in an S3 bucket.
//
//	deployment := images.Deployment{
//		Image:    image,
//		Dir:      "./app",
//		Uploader: s3upload.New(s3.NewFromConfig(cfg), "my-bucket"),
//	}
//	result, err := images.Deploy(ctx, client, deployment)
//
// It is a module of its own, so that programs that store archives in another way do not
// require the S3 client.
//
// # Rules
//
//  1. The bucket must be in the region of the image. Before Deploy packs the directory,
//     it calls [Uploader.PrepareUpload], which reads the region of the bucket and returns
//     a *[RegionError] if the two differ. The region of the S3 client does not matter:
//     requests go to the region of the bucket.
//  2. The key is [Options].Prefix, the SHA-256 of the archive in hexadecimal, and ".zip".
//     Equal archives are one object, whichever image they are for.
//  3. An archive is not uploaded if its object exists with the right size. Encryption and
//     tags of that object stay as they are.
//  4. S3 verifies every upload with a checksum; see [Options].ChecksumAlgorithm. The
//     checksum is computed before the upload, so a file that changes meanwhile is
//     rejected.
//  5. Archives of 16 MiB and more are uploaded in parts, several at a time.
//  6. A failed or canceled upload leaves no partial object and no parts. The multipart
//     upload is aborted even if the context has ended; see [Options].CleanupTimeout.
//     If that fails, [Error].UploadID names what remains.
//  7. Complete objects are never deleted, even if the context ended while S3 stored them:
//     another deployment may use the same object, and the next one finds it.
//
// If the response to CreateMultipartUpload is lost, nobody knows the ID of the upload,
// and it remains. It has no parts, so it stores no data. A lifecycle rule of the bucket
// with AbortIncompleteMultipartUpload removes it. A lifecycle rule that deletes objects
// must leave the service time to read them: it reads the archive while it builds.
//
// # Errors
//
//   - *[RegionError]: the bucket is in another region than the image.
//   - *[Error]: a request failed, or the archive could not be read. It wraps the cause,
//     such as *types.NotFound of the S3 client if there is no such bucket.
//   - smithy.InvalidParamsError: an option is out of range, or makes a URI that the
//     service rejects. Nothing was sent. [Check] returns this error without an Uploader.
//
// images.Deploy wraps all of them in an *images.Error of step "upload".
//
// # Permissions
//
// The caller needs s3:PutObject, and:
//
//   - s3:ListBucket on the bucket, to read its region and to see that an object is
//     missing;
//   - s3:GetObject, to see that an object exists. Without it every archive is uploaded;
//   - s3:AbortMultipartUpload and s3:ListMultipartUploadParts, to clean up;
//   - s3:PutObjectTagging with [Options].Tags;
//   - kms:GenerateDataKey and kms:Decrypt on the key with [Options].KMSKeyID.
//
// The build role of the image must be able to read the object, and to decrypt it.
package s3upload
