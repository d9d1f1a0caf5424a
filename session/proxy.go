package session

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/types"
)

// explain returns the error that a response of the proxy reports, or nil if the response
// is the application's. The body can then still be read from the start.
func (s *Session) explain(req *http.Request, resp *http.Response, port int) *ProxyError {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusBadGateway {
		return nil
	}
	failure := &ProxyError{Status: resp.StatusCode, MicroVMID: s.id, Port: port}
	if resp.StatusCode == http.StatusForbidden {
		failure.Kind = rejectionIn(resp)
	} else if isEmpty(req, resp) {
		s.explainEmpty(req, failure)
	}
	if failure.Kind == "" {
		return nil
	}
	return failure
}

// explainEmpty derives the meaning of an empty 502 from the state of the MicroVM.
func (s *Session) explainEmpty(req *http.Request, failure *ProxyError) {
	found, err := s.Describe(req.Context())
	if err != nil {
		failure.Kind, failure.Err = KindUnreachable, err
		return
	}
	failure.State, failure.Reason = found.State, aws.ToString(found.StateReason)
	switch found.State {
	case types.MicroVMStatePending:
		failure.Kind = KindStarting
	case types.MicroVMStateRunning:
		if req.Method != http.MethodHead { // a 502 of the application would look the same
			failure.Kind = KindNothingListening
		}
	case types.MicroVMStateSuspending, types.MicroVMStateSuspended:
		failure.Kind = KindSuspended
	case types.MicroVMStateTerminating, types.MicroVMStateTerminated:
		failure.Kind = KindTerminated
	default:
		failure.Kind = KindUnreachable
	}
}

// rejections are the kinds that the proxy reports as a text.
var rejections = [...]Kind{KindMissingAuth, KindWrongToken, KindPortDenied}

// body returns the whole body of the proxy's response.
func (k Kind) body() string {
	switch k {
	case KindMissingAuth:
		return "Request missing authentication"
	case KindWrongToken:
		return "Token authentication failed"
	case KindPortDenied:
		return "Access to port denied"
	}
	return ""
}

// maxRejection is enough for the longest rejection and some white space.
const maxRejection = 64

// rejectionIn returns the kind whose text is the body, or "" if the response is the
// application's.
func rejectionIn(resp *http.Response) Kind {
	body, whole := peek(resp, maxRejection, func(begin []byte) bool {
		for _, kind := range rejections {
			if strings.HasPrefix(kind.body(), string(bytes.TrimSpace(begin))) {
				return true
			}
		}
		return false
	})
	for _, kind := range rejections {
		if whole && kind.body() == string(bytes.TrimSpace(body)) {
			return kind
		}
	}
	return ""
}

// isEmpty reports whether a response has no body, for HEAD according to Content-Length.
func isEmpty(req *http.Request, resp *http.Response) bool {
	if req.Method == http.MethodHead {
		return resp.ContentLength <= 0
	}
	body, whole := peek(resp, 1, func([]byte) bool { return true })
	return whole && len(body) == 0
}

// peek reads the beginning of a body, up to the limit. It stops as soon as ofInterest
// returns false, because an application may delay the rest. It replaces the body with one
// that repeats what was read, including an error, and reports whether that is the whole
// body.
func peek(resp *http.Response, limit int, ofInterest func([]byte) bool) (begin []byte, whole bool) {
	body := resp.Body
	buf := make([]byte, limit)
	n := 0
	var err error
	for idle := 0; err == nil && n < limit && idle < maxIdleReads && ofInterest(buf[:n]); {
		var more int
		more, err = body.Read(buf[n:])
		n += more
		if idle++; more > 0 {
			idle = 0
		}
	}
	var rest io.Reader = body
	if err != nil { // a second read might fail with another error
		rest = ended{err}
	}
	resp.Body = &peeked{Reader: io.MultiReader(bytes.NewReader(buf[:n]), rest), Closer: body}
	return buf[:n], err == io.EOF
}

// maxIdleReads limits consecutive reads that return no bytes and no error, which
// io.Reader allows but discourages.
const maxIdleReads = 100

// ended repeats the error, possibly io.EOF, that ended a body.
type ended struct{ err error }

func (e ended) Read([]byte) (int, error) { return 0, e.err }

// peeked is a body whose beginning peek has read.
type peeked struct {
	io.Reader
	io.Closer
}
