package fake

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxRetryAfter is the longest that a client waits for a Retry-After header.
const maxRetryAfter = 20 * time.Second

// backoff is the delay before the next attempt of a client of Options: none. With the
// test clock it also does the waiting that a Retry-After header asks for, and removes the
// header from the failed response so that the client does not wait again. The error of
// the last attempt, which the caller gets, still has it.
func (s *Server) backoff(_ int, err error) (time.Duration, error) {
	var failed *smithyhttp.ResponseError
	if s.config.realTime || !errors.As(err, &failed) || failed.Response == nil || failed.Response.Response == nil {
		return 0, nil
	}
	s.waitAsAsked(failed.Response.Header)
	return 0, nil
}

func (s *Server) waitAsAsked(header http.Header) {
	const name = "Retry-After"
	if seconds, err := strconv.Atoi(header.Get(name)); err == nil && seconds > 0 {
		s.clock.advance(min(time.Duration(seconds)*time.Second, maxRetryAfter))
		header.Del(name)
	}
}
