package session

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// token is a set of headers that open ports for a while.
type token struct {
	header  http.Header
	others  []string // names of headers that do not begin with proxyHeaders
	expires time.Time
}

func newToken(header http.Header, expires time.Time) *token {
	t := &token{header: header, expires: expires}
	for name := range header {
		if !hasName(name, proxyHeaders) {
			t.others = append(t.others, name)
		}
	}
	return t
}

// Format prints no secrets.
func (token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.token{[REDACTED]}") }

// withhold takes the token out of the text of an error: net/http quotes what it cannot
// parse, and an endpoint can send back what it received.
func (t *token) withhold(err error) error {
	text := t.redact(err.Error())
	if text == err.Error() {
		return err
	}
	return &withheldError{text, err}
}

// redact takes the token, and each part of it, out of a text.
func (t *token) redact(text string) string {
	for _, values := range t.header {
		for _, value := range values {
			text = strings.ReplaceAll(text, value, redacted)
			for part := range strings.SplitSeq(value, ".") { // of a JWE
				if len(part) >= minPart {
					text = strings.ReplaceAll(text, part, redacted)
				}
			}
		}
	}
	return text
}

const (
	redacted = "[REDACTED]"
	// minPart is the least length of a part of a token that is a secret by itself.
	minPart = 16
)

// withheldError is an error with another text.
type withheldError struct {
	text string
	err  error
}

func (e *withheldError) Error() string { return e.text }

func (e *withheldError) Unwrap() error { return e.err }

// tokenCache has a token ready for those who ask, and a new one before it expires.
type tokenCache struct {
	api      lambdamicrovms.CreateMicroVMAuthTokenAPIClient
	id       string // of the MicroVM
	allowed  []types.PortSpecification
	lifetime time.Duration
	clock    lambdamicrovms.Clock

	mu      sync.Mutex // guards what follows, and the tokens in the slots
	slots   map[int]*tokenSlot
	stopped bool
}

// tokenSlot is the place of the token for one port, or of the one for all allowed ports.
type tokenSlot struct {
	renewals single[*token]

	current *token
	renewAt time.Time
}

// get returns a token that opens the port. The first who comes at the time to renew it begins to, and like all others
// goes on with the old one; if that has expired they wait.
func (c *tokenCache) get(ctx context.Context, port int) (*token, error) {
	slot, err := c.slot(port)
	if err != nil {
		return nil, err
	}
	valid, fresh := c.look(slot)
	if fresh {
		return valid, nil
	}
	renew := func(ctx context.Context) (*token, error) {
		if valid, fresh := c.look(slot); fresh { // since the caller looked
			return valid, nil
		}
		var renewed *token
		defer func() { // a panic is a failure, too
			if renewed == nil {
				c.postpone(slot)
			}
		}()
		var err error
		renewed, err = c.renew(ctx, slot, port)
		return renewed, err
	}
	if valid != nil {
		slot.renewals.begin(ctx, renewalTimeout, renew)
		return valid, nil
	}
	return slot.renewals.do(ctx, renew)
}

// renewalTimeout limits a renewal that nobody waits for.
const renewalTimeout = time.Minute

func (c *tokenCache) slot(port int) (*tokenSlot, error) {
	if len(c.allowed) > 0 {
		port = 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return nil, ErrClosed
	}
	slot := c.slots[port]
	if slot == nil {
		slot = &tokenSlot{}
		c.slots[port] = slot
	}
	return slot, nil
}

// look returns the token in the slot if it is valid, and whether it need not be renewed yet.
func (c *tokenCache) look(slot *tokenSlot) (valid *token, fresh bool) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if slot.current == nil || !now.Before(slot.current.expires) {
		return nil, false
	}
	return slot.current, now.Before(slot.renewAt)
}

func (c *tokenCache) renew(ctx context.Context, slot *tokenSlot, port int) (*token, error) {
	began := c.clock.Now() // the service counts from later on
	allowed := c.allowed
	if len(allowed) == 0 {
		allowed = []types.PortSpecification{&types.PortSpecificationMemberPort{Value: int32(port)}}
	}
	out, err := c.api.CreateMicroVMAuthToken(ctx, &lambdamicrovms.CreateMicroVMAuthTokenInput{
		MicroVMIdentifier:   &c.id,
		AllowedPorts:        allowed,
		ExpirationInMinutes: minutes(c.lifetime),
	})
	if err == nil && out == nil {
		out = &lambdamicrovms.CreateMicroVMAuthTokenOutput{}
	}
	var header http.Header
	if err == nil {
		header, err = tokenHeader("CreateMicroVMAuthToken", out.AuthToken)
	}
	if err != nil {
		return nil, fmt.Errorf("session: no token for port %d of %s: %w", port, c.id, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	slot.current = newToken(header, began.Add(c.lifetime))
	slot.renewAt = began.Add(c.lifetime * 4 / 5)
	return slot.current, nil
}

// postpone is for a renewal that failed. Half of what is left of a valid token has to pass before the next, so that not
// every request asks a service that fails.
func (c *tokenCache) postpone(slot *tokenSlot) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if slot.current != nil && now.Before(slot.current.expires) {
		slot.renewAt = now.Add(slot.current.expires.Sub(now) / 2)
	}
}

// drop forgets a token that the proxy refuses, unless there is a newer one already.
func (c *tokenCache) drop(refused *token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, slot := range c.slots {
		if slot.current == refused {
			slot.current = nil
		}
	}
}

// stop ends the renewals under way and forgets all tokens.
func (c *tokenCache) stop(ctx context.Context) {
	c.mu.Lock()
	c.stopped = true
	slots := c.slots
	c.slots = nil
	c.mu.Unlock()
	for _, slot := range slots {
		slot.renewals.stop(ctx)
	}
}

func (c *tokenCache) isStopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

// tokenHeader makes headers of a token, which is a map of whatever names the service
// chooses. The error for one that no request can carry repeats nothing of it.
func tokenHeader(operation string, authToken map[string]string) (http.Header, error) {
	header := make(http.Header, len(authToken))
	for name, value := range authToken {
		if !isHeader(name, value) {
			return nil, workflow.Incomplete(operation, "authToken")
		}
		header.Set(name, value)
	}
	if len(header) == 0 {
		return nil, workflow.Incomplete(operation, "authToken")
	}
	return header, nil
}

// isHeader reports whether a header has a name and a value, both of characters that HTTP
// allows.
func isHeader(name, value string) bool {
	for _, c := range []byte(name) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	for _, c := range []byte(value) {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return name != "" && strings.TrimSpace(value) != ""
}

func minutes(d time.Duration) *int32 {
	n := int32(d / time.Minute)
	return &n
}
