package fake

import (
	"net/http"
	"strconv"
	"time"
)

// refusal takes the place of a call, which changes nothing then. A nil error lets it pass.
type refusal interface {
	Effect
	refuse(c *call) error
}

// Throttle answers 429 with a ThrottlingException, or a TooManyRequestsException from the operations on tags.
type Throttle struct {
	// RetryAfter is told to the client in whole seconds, rounded up. By default there is no such header, and
	// from the operations on tags there never is.
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

// QuotaExceeded answers 402 with a ServiceQuotaExceededException.
type QuotaExceeded struct {
	// Message is by default the service's for the builds or the memory of an account.
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
	return overQuota("The base maximum allocated memory limit has been reached for this account.")
}

// ServerError answers with an InternalServerException, or a ServiceException from the operations on tags.
type ServerError struct {
	// Status is 500 by default.
	Status int
	// RetryAfter is told to the client in whole seconds, rounded up. By default there is no such header, and
	// from the operations on tags there never is.
	RetryAfter time.Duration
}

func (ServerError) effect() {}

func (e ServerError) refuse(c *call) error {
	code := "InternalServerException"
	if c.operation.onTags() {
		code = "ServiceException"
	}
	return c.error(orStatus(e.Status, http.StatusInternalServerError), code, "Internal server error", e.RetryAfter)
}

// BadGateway answers with the HTML page of a gateway in front of the service.
type BadGateway struct {
	// Status is 502 by default.
	Status int
}

func (BadGateway) effect() {}

func (e BadGateway) refuse(*call) error {
	status := orStatus(e.Status, http.StatusBadGateway)
	return &failure{status: status, code: strconv.Itoa(status) + " " + http.StatusText(status), html: true}
}

// Reset breaks the connection off before the call has done anything.
type Reset struct{}

func (Reset) effect() {}

func (Reset) refuse(*call) error { return errReset }

// SkewClock puts the clock of the service off from the caller's, as the Date header of the answers tells.
// Requests that are signed more than 15 minutes off from it are refused with 403; a client that goes by that
// header gets through with the next attempt. Nothing else goes by this clock.
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

// error is a failure of the service, or of Lambda at large if the operation is on tags.
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

func orStatus(status, byDefault int) int {
	if status == 0 {
		return byDefault
	}
	return status
}
