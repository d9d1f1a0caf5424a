package session

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// token is a set of headers that opens ports until it expires.
type token struct {
	header  http.Header
	others  []string // names of headers that do not begin with proxyHeaders
	expires time.Time
	// long are the values of the header that are too long for ordinary words.
	long []string
	// secrets are the values of the header, those of the previous token, which may still be
	// valid, and those in the input of Run. A server can repeat all of them.
	secrets *redact.Secrets
}

// minToken is the minimum length of a value that is certainly a token.
const minToken = 16

// newToken returns a token that replaces the previous one, which may be nil.
func newToken(header http.Header, expires time.Time, previous *token, input *redact.Secrets) *token {
	t := &token{header: header, expires: expires}
	values := valuesOf(header)
	t.long = slices.DeleteFunc(slices.Clone(values), func(value string) bool { return len(value) < minToken })
	if previous != nil {
		values = append(values, valuesOf(previous.header)...)
	}
	t.secrets = redact.New(values).And(input)
	for name := range header {
		if !hasName(name, proxyHeaders) {
			t.others = append(t.others, name)
		}
	}
	return t
}

func valuesOf(header http.Header) []string {
	return slices.Concat(slices.Collect(maps.Values(header))...)
}

// Format prints no secrets.
func (token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "session.token{[REDACTED]}") }

// tokenCache returns tokens and renews them before they expire.
type tokenCache struct {
	api      lambdamicrovms.CreateMicroVMAuthTokenAPIClient
	id       string // of the MicroVM
	allowed  []types.PortSpecification
	lifetime time.Duration
	clock    lambdamicrovms.Clock
	observer *workflow.Observer
	secrets  *redact.Secrets // of the input of Run

	mu      sync.Mutex // guards the fields below, and the tokens in the slots
	slots   map[int]*tokenSlot
	stopped bool
}

// tokenSlot holds the token for one port, or the token for all allowed ports.
type tokenSlot struct {
	renewals sharedCall[*token]

	current *token // nil if there is none, or the proxy has rejected it
	latest  *token // the same, or the one that was rejected
	renewAt time.Time
}

// get returns a token that opens the port. The first caller after renewAt starts a
// renewal. Callers use the old token as long as it is valid, and otherwise wait for the
// renewal.
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
		if valid, fresh := c.look(slot); fresh { // another caller has renewed it since
			return valid, nil
		}
		var renewed *token
		defer func() { // also after a panic
			if renewed == nil {
				c.postpone(slot)
			}
		}()
		var err error
		renewed, err = c.renew(ctx, slot, port)
		return renewed, err
	}
	if valid != nil {
		slot.renewals.start(ctx, renewalTimeout, renew)
		return valid, nil
	}
	return slot.renewals.do(ctx, renew)
}

// renewalTimeout limits a renewal that no caller waits for.
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

// look returns the token in the slot if it is valid. fresh is false if it is due for
// renewal.
func (c *tokenCache) look(slot *tokenSlot) (valid *token, fresh bool) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if slot.current == nil || !now.Before(slot.current.expires) {
		return nil, false
	}
	return slot.current, now.Before(slot.renewAt)
}

func (c *tokenCache) renew(ctx context.Context, slot *tokenSlot, port int) (renewed *token, err error) {
	ctx, step := c.observer.Begin(ctx, "token", "session: token", slog.LevelDebug, slog.String("microvm", c.id), slog.Int("port", port))
	secrets := c.secrets
	if slot.latest != nil {
		secrets = slot.latest.secrets
	}
	defer func() {
		err = secrets.Error(err)
		step.End(err)
	}()
	err = workflow.ErrPanicked // until the API returns
	began := c.clock.Now()     // the token's lifetime begins later, at the service
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
	slot.latest = newToken(header, began.Add(c.lifetime), slot.latest, c.secrets)
	slot.current = slot.latest
	slot.renewAt = began.Add(c.lifetime * 4 / 5)
	return slot.current, nil
}

// postpone delays the next renewal after one that failed. It waits half of the token's
// remaining lifetime, so that not every request calls a failing service.
func (c *tokenCache) postpone(slot *tokenSlot) {
	now := c.clock.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if slot.current != nil && now.Before(slot.current.expires) {
		slot.renewAt = now.Add(slot.current.expires.Sub(now) / 2)
	}
}

// drop removes a token that the proxy rejected, unless it has been replaced already.
func (c *tokenCache) drop(rejected *token) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, slot := range c.slots {
		if slot.current == rejected {
			slot.current = nil
		}
	}
}

// stop cancels running renewals and removes all tokens.
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

// tokenHeader converts a token to headers. The service chooses their names. If HTTP does
// not allow a name or a value, the error does not quote it.
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

// isHeader reports whether name and value are not empty and HTTP allows their characters.
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
