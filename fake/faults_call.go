package fake

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

// refusal is an effect that fails a call before it changes anything, or does not if its
// error is nil.
type refusal interface {
	Effect
	refuse(c *call) error
}

// Throttle responds with 429: a ThrottlingException, or the TooManyRequestsException of
// the tag operations.
type Throttle struct {
	// RetryAfter is the Retry-After header, in seconds, rounded up. By default there is
	// none. The tag operations never have it.
	RetryAfter time.Duration
}

func (Throttle) effect() {}

func (e Throttle) refuse(c *call) error {
	code := "ThrottlingException"
	if c.operation.onTags() {
		code = "TooManyRequestsException"
	}
	return c.error(http.StatusTooManyRequests, code, "Rate exceeded", e.RetryAfter)
}

// QuotaExceeded responds with 402, a ServiceQuotaExceededException.
type QuotaExceeded struct {
	// Message is by default that of the service for concurrent builds or for memory.
	Message string
}

func (QuotaExceeded) effect() {}

func (e QuotaExceeded) refuse(c *call) error {
	switch {
	case e.Message != "":
		return overQuota("%s", e.Message)
	case c.operation == CreateMicroVMImage, c.operation == UpdateMicroVMImage:
		return c.tooManyBuilds()
	}
	return tooMuchMemory()
}

// ServerError responds with an InternalServerException, or the ServiceException of the
// tag operations.
type ServerError struct {
	// Status is 500 by default.
	Status int
	// RetryAfter is the Retry-After header, in seconds, rounded up. By default there is
	// none. The tag operations never have it.
	RetryAfter time.Duration
}

func (ServerError) effect() {}

func (e ServerError) refuse(c *call) error {
	code := "InternalServerException"
	if c.operation.onTags() {
		code = "ServiceException"
	}
	return c.error(cmp.Or(e.Status, http.StatusInternalServerError), code, "Internal server error", e.RetryAfter)
}

// BadGateway responds with the HTML page of a gateway.
type BadGateway struct {
	// Status is 502 by default.
	Status int
}

func (BadGateway) effect() {}

func (e BadGateway) refuse(*call) error {
	status := cmp.Or(e.Status, http.StatusBadGateway)
	return &failure{status: status, code: strconv.Itoa(status) + " " + http.StatusText(status), html: true}
}

// Reset resets the connection before the call changes anything.
type Reset struct{}

func (Reset) effect() {}

func (Reset) refuse(*call) error { return errReset }

// SkewClock shifts the clock that the Date header and the checks of signatures use.
// Requests signed more than 15 minutes from it get 403; a client that corrects its clock
// by the Date header succeeds with the next attempt.
type SkewClock struct {
	// By is how far the service is ahead; negative if it is behind.
	By time.Duration
}

func (SkewClock) effect() {}

func (e SkewClock) refuse(c *call) error {
	c.skew = e.By
	return c.checkSigningTime()
}

func (o Operation) onTags() bool { return o == TagResource || o == UntagResource || o == ListTags }

// error returns a failure in the form of the operation: the tag operations have their
// own.
func (c *call) error(status int, code, message string, retryAfter time.Duration) error {
	f := fail(status, code, "%s", message)
	switch {
	case c.operation.onTags(): // without Retry-After
		f.kind, f.capital = "User", true
		if status >= http.StatusInternalServerError {
			f.kind = "Service"
		}
	case retryAfter > 0:
		f.retryAfter = ptr(int32((retryAfter + time.Second - 1) / time.Second))
	}
	return f
}
