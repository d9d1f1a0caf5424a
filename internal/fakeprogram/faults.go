package fakeprogram

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// parseFault parses a fault in the form of a URL's path and query:
// throttle?on=RunMicrovm&first=2.
func parseFault(text string) (inject func(*fake.Server), err error) {
	name, query, _ := strings.Cut(text, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	q := &parameters{values: values}
	effect := q.effect(name)
	conditions := q.conditions()
	for key := range q.values {
		q.fail(fmt.Errorf("%s has no %q", name, key))
	}
	if effect == nil {
		q.err = fmt.Errorf("there is no fault %q", name)
	}
	return func(srv *fake.Server) { srv.Inject(effect, conditions...) }, q.err
}

// parameters are removed as they are read; the ones left at the end are unknown.
type parameters struct {
	values url.Values
	err    error // the first
}

func (q *parameters) fail(err error) {
	if q.err == nil {
		q.err = err
	}
}

func (q *parameters) list(key string) []string {
	values := q.values[key]
	delete(q.values, key)
	return values
}

func (q *parameters) text(key string) string {
	if values := q.list(key); len(values) > 0 {
		return values[0]
	}
	return ""
}

// parsed returns the zero value for a missing parameter.
func parsed[T any](q *parameters, key string, parse func(string) (T, error)) (value T) {
	if text := q.text(key); text != "" {
		var err error
		if value, err = parse(text); err != nil {
			q.fail(fmt.Errorf("%s: %w", key, err))
		}
	}
	return value
}

func (q *parameters) number(key string) int { return parsed(q, key, strconv.Atoi) }

func (q *parameters) duration(key string) time.Duration { return parsed(q, key, time.ParseDuration) }

// effect returns nil for an unknown name.
func (q *parameters) effect(name string) fake.Effect {
	switch name {
	case "fail-build":
		return fake.FailBuild{Reason: q.text("reason"), Generations: q.list("generation")}
	case "stuck-build":
		return fake.StuckBuild{}
	case "fail-start":
		return fake.FailStart{Reason: q.text("reason")}
	case "fail-suspend":
		return fake.FailSuspend{Reason: q.text("reason")}
	case "throttle":
		return fake.Throttle{RetryAfter: q.duration("retry-after")}
	case "quota-exceeded":
		return fake.QuotaExceeded{Message: q.text("message")}
	case "server-error":
		return fake.ServerError{Status: q.number("status"), RetryAfter: q.duration("retry-after")}
	case "bad-gateway":
		return fake.BadGateway{Status: q.number("status")}
	case "reset":
		return fake.Reset{}
	case "skew-clock":
		return fake.SkewClock{By: q.duration("by")}
	case "slow":
		return fake.Slow{Delay: q.duration("delay")}
	case "hang":
		return fake.Hang{}
	case "cut-body":
		return fake.CutBody{After: q.number("after")}
	case "malformed-json":
		return fake.MalformedJSON{Body: q.text("body")}
	case "lose-answer":
		return fake.LoseAnswer{}
	case "empty-pages":
		return fake.EmptyPages{Count: q.number("count")}
	}
	return nil
}

// conditions returns the conditions of a fault. Those that count come last, so that they
// count only the occasions that the others let through.
func (q *parameters) conditions() (conditions []fake.Condition) {
	if operations := q.list("on"); operations != nil {
		conditions = append(conditions, func(o fake.Occasion) bool { return slices.Contains(operations, string(o.Operation)) })
	}
	if images := q.list("image"); images != nil {
		conditions = append(conditions, fake.Image(images...))
	}
	if q.values.Has("chance") {
		probability := parsed(q, "chance", func(text string) (float64, error) { return strconv.ParseFloat(text, 64) })
		seed := parsed(q, "seed", func(text string) (uint64, error) { return strconv.ParseUint(text, 10, 64) })
		conditions = append(conditions, fake.Chance(probability, seed))
	}
	if q.values.Has("nth") {
		conditions = append(conditions, fake.Nth(q.number("nth")))
	}
	if q.values.Has("first") {
		conditions = append(conditions, fake.First(q.number("first")))
	}
	return conditions
}
