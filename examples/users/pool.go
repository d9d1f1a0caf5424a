package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/session"
)

// errFull says that all MicroVMs that the cap permits are in use.
var errFull = errors.New("all MicroVMs are in use")

// A pool has one MicroVM for each user, at most max at a time.
type pool struct {
	client session.RunAPI
	image  string
	max    int
	idle   time.Duration // after which a user's MicroVM is ended
	now    func() time.Time

	mu    sync.Mutex
	users map[string]*entry
}

// An entry is the MicroVM of a user. Its session and err are set when ready is closed.
type entry struct {
	ready   chan struct{}
	session *session.Session
	err     error

	// the pool's mutex guards these
	requests int // in progress
	used     time.Time
}

// end ends the MicroVM, if it has started.
func (e *entry) end() error {
	<-e.ready
	if e.session == nil {
		return nil
	}
	return e.session.Close()
}

func newPool(client session.RunAPI, image string, limit int, idle time.Duration, now func() time.Time) *pool {
	return &pool{client: client, image: image, max: limit, idle: idle, now: now, users: make(map[string]*entry)}
}

// get returns the session of a user's MicroVM, and starts one if there is none. The
// caller must call release.
func (p *pool) get(ctx context.Context, user string) (s *session.Session, release func(), err error) {
	e, err := p.reserve(user)
	if err != nil {
		return nil, nil, err
	}
	release = func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		e.requests--
		e.used = p.now()
	}
	select {
	case <-e.ready:
	case <-ctx.Done():
		release()
		return nil, nil, ctx.Err()
	}
	if e.err != nil {
		release()
		return nil, nil, e.err
	}
	return e.session, release, nil
}

// reserve returns the entry of a user, and starts a MicroVM for a new one. If the pool is
// full, the MicroVM that was idle for longest makes room.
func (p *pool) reserve(user string) (*entry, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e, ok := p.users[user]; ok {
		e.requests++
		return e, nil
	}
	var evicted *entry
	if len(p.users) >= p.max {
		if evicted = p.takeIdle(p.now()); evicted == nil {
			return nil, errFull
		}
	}
	e := &entry{ready: make(chan struct{}), requests: 1, used: p.now()}
	p.users[user] = e
	go p.start(user, e, evicted) // other requests of the user wait for it, too
	return e, nil
}

// takeIdle removes the entry that was idle for longest, if any was since before.
func (p *pool) takeIdle(before time.Time) *entry {
	var oldest string
	for user, e := range p.users {
		if e.requests == 0 && !e.used.After(before) && (oldest == "" || e.used.Before(p.users[oldest].used)) {
			oldest = user
		}
	}
	e := p.users[oldest]
	delete(p.users, oldest)
	return e
}

// start runs the MicroVM of an entry, after that of the evicted one has ended.
func (p *pool) start(user string, e, evicted *entry) {
	defer close(e.ready)
	if evicted != nil {
		e.err = evicted.end()
	}
	if e.err == nil {
		// Not the context of the request: a user who gives up must not end the start that
		// others wait for.
		e.session, e.err = session.Run(context.Background(), p.client, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(p.image)})
	}
	if e.err != nil { // the next request tries again
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.users[user] == e {
			delete(p.users, user)
		}
	}
}

// forget removes the entry of a user whose MicroVM has ended. Nothing is left of it to
// end.
func (p *pool) forget(user string, s *session.Session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.users[user]
	if !ok {
		return
	}
	select {
	case <-e.ready:
		if e.session == s {
			delete(p.users, user)
		}
	default: // another one is starting already
	}
}

// clean ends the MicroVMs that are idle.
func (p *pool) clean() error {
	var errs []error
	for {
		p.mu.Lock()
		e := p.takeIdle(p.now().Add(-p.idle))
		p.mu.Unlock()
		if e == nil {
			return errors.Join(errs...)
		}
		errs = append(errs, e.end())
	}
}

// close ends all MicroVMs, those in use, too.
func (p *pool) close() error {
	p.mu.Lock()
	entries := p.users
	p.users = make(map[string]*entry)
	p.max = 0 // nothing starts any more
	p.mu.Unlock()
	var errs []error
	for _, e := range entries {
		errs = append(errs, e.end())
	}
	return errors.Join(errs...)
}
