package fake

import (
	"net/http"
	"time"
)

// damage befalls the answer to a call that has done what it does.
type damage interface {
	Effect
	damage(res *response)
}

// Slow makes the answer late; what the call does is done before. With the test clock the time moves on at
// once, unless the caller's context has a deadline that comes sooner: then the caller waits for that.
type Slow struct {
	// Delay is in the server's time.
	Delay time.Duration
}

func (Slow) effect() {}

func (e Slow) damage(res *response) { res.delay += e.Delay }

// Hang never answers, though the call has done what it does: the caller must give up. It ends with the test.
type Hang struct{}

func (Hang) effect() {}

func (Hang) damage(res *response) { res.never = true }

// CutBody breaks the connection off within the body of the answer. It does nothing to answers without one.
type CutBody struct {
	// After is how many bytes arrive before; the last byte of a body never does.
	After int
}

func (CutBody) effect() {}

func (e CutBody) damage(res *response) { res.broken, res.after = true, e.After }

// MalformedJSON puts something else in place of the body of the answer, whatever its status.
type MalformedJSON struct {
	// Body is by default an object with a syntax error in it.
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

// LoseAnswer resets the connection after the call has done what it does: the caller can't know.
type LoseAnswer struct{}

func (LoseAnswer) effect() {}

func (LoseAnswer) damage(res *response) { res.lost = true }

// EmptyPages makes a list answer pages without items, but with a token, before each page that has some.
type EmptyPages struct {
	// Count is how many there are before each page; the default is one.
	Count int
}

func (EmptyPages) effect() {}
