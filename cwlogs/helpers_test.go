package cwlogs_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
)

const (
	group  = "/aws/lambda-microvms/app"
	stream = "2026/11/26[2.0]microvm-1"
)

var start = time.Date(2026, time.November, 26, 12, 0, 0, 0, time.UTC)

// An event is a stored line.
type event struct {
	ID            string `json:"eventId"`
	LogStreamName string `json:"logStreamName"`
	Message       string `json:"message"`
	Timestamp     int64  `json:"timestamp"`
}

// A service implements the two operations of CloudWatch Logs that a Reader calls.
type service struct {
	mu       sync.Mutex
	events   map[string][]event  // by log group
	streams  map[string][]string // by log group
	pageSize int                 // the default is 1,000
	calls    []string
	// fault returns the type of an error, or "".
	fault func(operation string) string
}

func newService() *service {
	return &service{events: map[string][]event{}, streams: map[string][]string{}, pageSize: 1000}
}

// write adds a line that was written the given time after start.
func (s *service) write(to string, after time.Duration, text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.streams[group], to) {
		s.streams[group] = append(s.streams[group], to)
	}
	s.events[group] = append(s.events[group], event{
		ID: strconv.Itoa(len(s.events[group])), LogStreamName: to, Message: text, Timestamp: start.Add(after).UnixMilli(),
	})
}

// client returns a client of the service that does not retry.
func (s *service) client() *cloudwatchlogs.Client {
	return cloudwatchlogs.New(cloudwatchlogs.Options{
		Region: "us-east-1", HTTPClient: s, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
		}),
	})
}

// request has the members of both operations.
type request struct {
	LogGroupName, LogStreamNamePrefix, NextToken string
	StartTime, EndTime                           int64
	Limit                                        int
	StartFromHead                                *bool
}

// Do implements cloudwatchlogs.HTTPClient.
func (s *service) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.calls = append(s.calls, operation)
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		return nil, err
	}
	if s.fault != nil {
		if kind := s.fault(operation); kind != "" {
			return respond(http.StatusBadRequest, map[string]any{"__type": kind, "message": "refused"}), nil
		}
	}
	if _, exists := s.streams[in.LogGroupName]; !exists {
		return respond(http.StatusBadRequest, map[string]any{
			"__type": "ResourceNotFoundException", "message": "The specified log group does not exist.",
		}), nil
	}
	if operation == "DescribeLogStreams" {
		type named struct {
			LogStreamName string `json:"logStreamName"`
		}
		var found []named
		for _, name := range s.streams[in.LogGroupName] {
			if strings.HasPrefix(name, in.LogStreamNamePrefix) {
				found = append(found, named{name})
			}
		}
		page, next := paged(found, in, s.pageSize)
		return respond(http.StatusOK, map[string]any{"logStreams": page, "nextToken": next}), nil
	}
	var found []event
	for _, e := range s.events[in.LogGroupName] {
		if strings.HasPrefix(e.LogStreamName, in.LogStreamNamePrefix) && e.Timestamp >= in.StartTime && (in.EndTime == 0 || e.Timestamp <= in.EndTime) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b event) int { return int(a.Timestamp - b.Timestamp) })
	if in.StartFromHead != nil && !*in.StartFromHead {
		slices.Reverse(found)
	}
	page, next := paged(found, in, s.pageSize)
	return respond(http.StatusOK, map[string]any{"events": page, "nextToken": next}), nil
}

// paged returns a page and the token of the next page, or nil. The first page is empty,
// because pages of the service may be.
func paged[T any](all []T, in request, size int) ([]T, *string) {
	if in.NextToken == "" {
		return nil, aws.String("0")
	}
	at, _ := strconv.Atoi(in.NextToken)
	if in.Limit > 0 {
		size = min(size, in.Limit)
	}
	end := min(at+size, len(all))
	if end == len(all) {
		return all[at:], nil
	}
	return all[at:end], aws.String(strconv.Itoa(end))
}

func respond(status int, body any) *http.Response {
	encoded, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/x-amz-json-1.1"}},
		Body:       io.NopCloser(strings.NewReader(string(encoded))),
	}
}

// A clock advances with each Sleep, which then calls the next function of due.
type clock struct {
	now time.Time
	due []func() // one for each sleep
}

func (c *clock) Now() time.Time { return c.now }

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.now = c.now.Add(d)
	if len(c.due) > 0 {
		c.due[0]()
		c.due = c.due[1:]
	}
	return ctx.Err()
}
