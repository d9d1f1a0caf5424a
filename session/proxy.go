package session

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/types"
)

// explain returns what the proxy means by a response, nil if it is the application's. Its
// body can be read from the start then.
func (s *Session) explain(req *http.Request, resp *http.Response, port int) *ProxyError {
	if resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusBadGateway {
		return nil
	}
	failure := &ProxyError{Status: resp.StatusCode, MicroVMID: s.id, Port: port}
	if resp.StatusCode == http.StatusForbidden {
		failure.Kind = refusalIn(resp)
	} else if isEmpty(req, resp) {
		s.explainSilence(req, failure)
	}
	if failure.Kind == "" {
		return nil
	}
	return failure
}

// explainSilence tells the meanings of an empty 502 apart by the state of the MicroVM.
func (s *Session) explainSilence(req *http.Request, failure *ProxyError) {
	found, err := s.Describe(req.Context())
	if err != nil {
		failure.Kind, failure.Err = KindUnreachable, err
		return
	}
	failure.State, failure.Reason = found.State, s.secrets.Clean(deref(found.StateReason), redact.MaxText)
	switch found.State {
	case types.MicroVMStatePending:
		failure.Kind = KindStarting
	case types.MicroVMStateRunning:
		if req.Method != http.MethodHead { // where a 502 of the application looks the same
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

// refusals are the kinds that the proxy words.
var refusals = [...]Kind{KindMissingAuth, KindWrongToken, KindPortDenied}

// wording is what the proxy says, as the whole body.
func (k Kind) wording() string {
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

// longestWording has room for the longest and a little white space.
const longestWording = 64

// refusalIn returns the kind whose wording is the body, "" if it is the application's.
func refusalIn(resp *http.Response) Kind {
	body, whole := peek(resp, longestWording, func(begin []byte) bool {
		for _, kind := range refusals {
			if strings.HasPrefix(kind.wording(), string(bytes.TrimSpace(begin))) {
				return true
			}
		}
		return false
	})
	for _, kind := range refusals {
		if whole && kind.wording() == string(bytes.TrimSpace(body)) {
			return kind
		}
	}
	return ""
}

// isEmpty reports whether a response has no body. Of one to HEAD only the header tells.
func isEmpty(req *http.Request, resp *http.Response) bool {
	if req.Method == http.MethodHead {
		return resp.ContentLength <= 0
	}
	body, whole := peek(resp, 1, func([]byte) bool { return true })
	return whole && len(body) == 0
}

// peek reads the beginning of a body, up to the limit and for as long as it is of interest:
// an application may take its time with the rest. It puts back what it read, with the error
// that ended it, and reports whether that is the whole body.
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

// maxIdleReads is how often in a row a body may read nothing without an error, which
// io.Reader discourages.
const maxIdleReads = 100

// ended is the rest of a body of which the end, or the error at its end, was read.
type ended struct{ err error }

func (e ended) Read([]byte) (int, error) { return 0, e.err }

// peeked is a body of which something was read and put back.
type peeked struct {
	io.Reader
	io.Closer
}
