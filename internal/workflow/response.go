package workflow

import (
	"fmt"

	"github.com/aws/smithy-go"
)

// A listing whose page tokens never end would keep a workflow busy forever. These bounds
// of PaginatorOptions.MaxPages are far above what the quotas of the service allow.
const (
	MaxPages        = 1_000  // of images, versions and builds
	MaxMicroVMPages = 10_000 // of MicroVMs, which stay listed for hours after their end
)

// Incomplete is the error of a successful response that lacks a member which the service
// always sends, or holds one that cannot be read. The response says nothing about the
// outcome, as if it had been lost.
func Incomplete(operation, member string) error {
	return &smithy.DeserializationError{Err: fmt.Errorf("the response of %s has no usable %s", operation, member)}
}
