package lambdamicrovms

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A server in the client's process, such as that of package fake, is an HTTPClient with
// its own clock. Waiters and retries wait on that clock, which only advances when they or
// the test advance it, so that tests do not wait in real time.

// clockOf returns the clock of the in-process server to which a client sends requests, or
// nil if there is none. The client may be embedded in a stub.
func clockOf(client any) Clock {
	configured, ok := client.(interface{ Options() Options })
	if !ok {
		return nil
	}
	return serverClock(configured.Options().HTTPClient)
}

func serverClock(client HTTPClient) Clock {
	server, ok := client.(interface{ Clock() Clock })
	if !ok {
		return nil
	}
	return server.Clock()
}

// A skipper is a clock that can be advanced. Skip advances it by d, or reports false if
// the clock shows real time.
type skipper interface {
	Skip(d time.Duration) bool
}

// skippedDelays is a retryer whose delays between attempts pass on the clock of a server
// instead of in real time.
type skippedDelays struct {
	aws.RetryerV2

	clock skipper
}

func (r skippedDelays) RetryDelay(attempt int, err error) (time.Duration, error) {
	delay, delayErr := r.RetryerV2.RetryDelay(attempt, err)
	if delayErr == nil && r.clock.Skip(delay) {
		delay = 0
	}
	return delay, delayErr
}

// attemptRetryer returns the retryer of a call's attempts.
func attemptRetryer(o *Options) aws.RetryerV2 {
	r := retryAfter{o.Retryer}
	if clock, ok := serverClock(o.HTTPClient).(skipper); ok {
		return skippedDelays{r, clock}
	}
	return r
}
