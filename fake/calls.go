package fake

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A Call is a request with its response.
type Call struct {
	// Time is the server's time.
	Time time.Time
	// Operation is empty if no operation has the path.
	Operation Operation
	// Account and Region are the caller's.
	Account, Region string
	// Input is the decoded input, a pointer such as
	// *lambdamicrovms.UpdateMicroVMImageInput. It is nil if the request failed before
	// that.
	Input any

	// The request as received.
	Method string
	Host   string
	URL    string // path and query, percent-encoded
	Header http.Header
	Body   string `redact:"secret"` // LogValue and MarshalJSON leave it out

	// The response.
	RequestID string
	Status    int
	Err       error // nil for a success

	// Assumed names the assumptions behind the response, see WithAssumedAnswers.
	Assumed []string

	// Faults are the effects that applied, in this order.
	Faults []Effect
}

// GoString is String: %#v prints no body either.
func (c Call) GoString() string { return c.String() }

// String describes the call in one line, without its body, which may hold secrets.
func (c Call) String() string {
	text := fmt.Sprintf("%s %s: %d", c.Method, c.URL, c.Status)
	if c.Operation != "" {
		text = string(c.Operation) + ": " + text
	}
	if c.Err != nil {
		text += fmt.Sprintf(" (%v)", c.Err)
	}
	return text
}

// callLog keeps the latest calls, in blocks. A single slice would be copied as it grows,
// which would hold up all goroutines that call.
type callLog struct {
	limit int

	mu     sync.Mutex
	blocks [][]Call // all but the last are full
}

// logBlock is how many calls a block of the log has.
const logBlock = 64

func (l *callLog) add(c *Call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.blocks)
	if n == 0 || len(l.blocks[n-1]) == logBlock {
		if l.limit >= 0 && (n-1)*logBlock >= l.limit { // there are enough without the oldest block
			l.blocks = slices.Delete(l.blocks, 0, 1)
		}
		l.blocks = append(l.blocks, make([]Call, 0, logBlock))
	}
	last := &l.blocks[len(l.blocks)-1]
	*last = append(*last, *c)
}

// newest returns the latest calls, at most the limit. A negative limit keeps all.
func (l *callLog) newest() []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := slices.Concat(l.blocks...)
	if l.limit < 0 {
		return calls
	}
	return calls[max(0, len(calls)-l.limit):]
}

// note logs a call and its response.
func (s *Server) note(c *call, res *response) {
	entry := &Call{
		Time:      s.clock.Now(),
		Operation: c.operation,
		Account:   c.scope.account,
		Region:    c.scope.region,
		Input:     c.input,
		Method:    c.http.Method,
		Host:      c.http.Host,
		URL:       c.target(),
		Header:    c.http.Header.Clone(),
		Body:      c.body,
		RequestID: c.requestID,
		Status:    res.status,
		Err:       res.err,
		Assumed:   c.assumptions,
		Faults:    c.struck,
	}
	acted := entry.Method != http.MethodGet && entry.Err == nil
	s.watch(entry.Method, entry.Operation, entry.URL, acted)
	s.calls.add(entry)
}

// target returns the path and query of the request, percent-encoded, as URL.RequestURI
// does. It does not escape the path a second time.
func (c *call) target() string {
	u := c.http.URL
	switch {
	case u.Opaque != "" || c.path == "":
		return u.RequestURI()
	case u.ForceQuery || u.RawQuery != "":
		return c.path + "?" + u.RawQuery
	}
	return c.path
}

// Calls returns the calls so far in the order of their responses: all, or those of the
// given operations.
func (s *Server) Calls(operations ...Operation) []Call {
	calls := s.calls.newest()
	if len(operations) > 0 {
		calls = slices.DeleteFunc(calls, func(c Call) bool { return !slices.Contains(operations, c.Operation) })
	}
	return calls
}

// Inputs returns the decoded inputs of all calls with that input type:
//
//	fake.Inputs[lambdamicrovms.UpdateMicroVMImageInput](srv)
func Inputs[I any](s *Server) []*I {
	var inputs []*I
	for _, call := range s.Calls() {
		if in, ok := call.Input.(*I); ok {
			inputs = append(inputs, in)
		}
	}
	return inputs
}
