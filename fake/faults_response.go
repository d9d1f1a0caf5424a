package fake

import (
	"net/http"
	"time"
)

// damage is an effect on the response of a call that has made its change.
type damage interface {
	Effect
	damage(res *response)
}

// Slow delays the response, after the change was made. The test clock moves forward at
// once, unless the deadline of the caller's context comes first: then the call waits for
// that.
type Slow struct {
	// Delay is in the server's time.
	Delay time.Duration
}

func (Slow) effect() {}

func (e Slow) damage(res *response) { res.delay += e.Delay }

// Hang never responds, though the change was made. It ends with the context of the
// caller, or when the server is closed.
type Hang struct{}

func (Hang) effect() {}

func (Hang) damage(res *response) { res.never = true }

// CutBody breaks the connection within the body of the response. It has no effect on a
// response without a body.
type CutBody struct {
	// After is how many bytes arrive. The last byte never does.
	After int
}

func (CutBody) effect() {}

func (e CutBody) damage(res *response) { res.broken, res.after = true, e.After }

// MalformedJSON replaces the body of the response, whatever its status.
type MalformedJSON struct {
	// Body is an object with a syntax error by default.
	Body string
}

func (MalformedJSON) effect() {}

func (e MalformedJSON) damage(res *response) {
	if res.status == http.StatusNoContent {
		return
	}
	if e.Body == "" {
		e.Body = `{"state": oops}`
	}
	res.body = []byte(e.Body)
}

// LoseAnswer resets the connection after the change was made, so that the caller cannot
// know whether it was.
type LoseAnswer struct{}

func (LoseAnswer) effect() {}

func (LoseAnswer) damage(res *response) { res.lost = true }

// EmptyPages puts empty pages with a nextToken before each page of a list.
type EmptyPages struct {
	// Count is how many come before each page. The default is 1.
	Count int
}

func (EmptyPages) effect() {}
