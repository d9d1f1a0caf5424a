// Package types has the structures, enums and unions in inputs and outputs of package
// lambdamicrovms, and its errors.
//
// A union is an interface, and each of its members is a structure whose name ends with
// that of the member: a [Logging] is a *[LoggingMemberCloudWatch] or a
// *[LoggingMemberDisabled]. Enums are strings, and the service may send values that are
// not listed. Test for errors with [errors.As].
package types
