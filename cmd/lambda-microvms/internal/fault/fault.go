// Package fault has the errors that end a command: their exit codes, and their form on
// standard error.
package fault

import (
	"errors"
	"fmt"
)

// The exit codes of the AWS CLI.
const (
	ExitOK            = 0
	ExitInterrupted   = 130 // SIGINT
	ExitUsage         = 252 // syntax or parameters
	ExitConfiguration = 253 // environment or configuration
	ExitService       = 254 // the service returned an error
	ExitGeneral       = 255 // all else
)

// Error is an error with an exit code.
type Error struct {
	Exit    int
	Code    string // ParamValidation and so on; empty for general errors
	Message string
	// Operation is the operation that the service refused, Retries how often it was
	// retried in vain.
	Operation string
	Retries   int
	Details   []Detail // members of the service's error, in the order of the model
	Usage     string   // printed after the message, or before it if Plain
	Plain     bool     // ignores --cli-error-format
	Silent    bool     // only the exit code matters: the command has said what there is to say
	Err       error    // the cause, or nil
}

// Detail is a member of an error of the service, such as its resourceId.
type Detail struct {
	Name  string
	Value any // a document of package value
}

// Error returns the message as the enhanced format shows it, without the program's name.
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Message
	}
	text := "An error occurred (" + e.Code + ")"
	if e.Operation != "" {
		text += " when calling the " + e.Operation + " operation"
		if e.Retries > 0 {
			text += fmt.Sprintf(" (reached max retries: %d)", e.Retries)
		}
	}
	return text + ": " + e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Usage is an error of the command line's syntax or of a parameter.
func Usage(format string, args ...any) *Error {
	return &Error{Exit: ExitUsage, Code: "ParamValidation", Message: fmt.Sprintf(format, args...)}
}

// Parameter is an error of the value of an option, given without dashes.
func Parameter(option, format string, args ...any) *Error {
	return Usage("Error parsing parameter '--%s': %s", option, fmt.Sprintf(format, args...))
}

// Configuration is an error of the environment or of a configuration file.
func Configuration(code, format string, args ...any) *Error {
	return &Error{Exit: ExitConfiguration, Code: code, Message: fmt.Sprintf(format, args...)}
}

// General is any other error.
func General(format string, args ...any) *Error {
	return &Error{Exit: ExitGeneral, Message: fmt.Sprintf(format, args...)}
}

// Of returns err as an Error; one that is none has the exit code of general errors.
func Of(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Exit: ExitGeneral, Message: err.Error(), Err: err}
}
