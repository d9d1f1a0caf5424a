// Package types has the types that inputs and outputs of package lambdamicrovms are made of:
// structures, enums, unions and errors.
//
// A union is an interface, and each of its members a struct with the suffix of the member's
// name: a [Logging] is a *[LoggingMemberCloudWatch] or a *[LoggingMemberDisabled]. Enums are
// strings, and the service may send values that are not listed. Errors are found with
// [errors.As].
package types
