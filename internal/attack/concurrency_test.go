package attack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
)

// Each call of TestCallsDoNotMix has its own mark, and every value of the call contains
// it.
var marks = regexp.MustCompile(`mark[0-9]+x`)

type markKey struct{}

// marked sets all strings of an input or output to mark.
func marked(v any, mark string) any {
	s := reflect.ValueOf(v).Elem()
	for i := range s.NumField() {
		switch field := s.Field(i).Addr().Interface().(type) {
		case **string:
			*field = &mark
		case *[]string:
			*field = []string{mark}
		case *map[string]string:
			*field = map[string]string{mark: mark}
		}
	}
	return v
}

// foreign returns the marks in text that belong to other calls, and counts the call's own
// mark.
func foreign(text, mark string) (others []string, own int) {
	for _, found := range marks.FindAllString(text, -1) {
		if found == mark {
			own++
		} else {
			others = append(others, found)
		}
	}
	return others, own
}

// A thousand goroutines use one client for all operations at once, and some calls have
// their own options. No input, context, option, response or error of one call may show up
// in another.
func TestCallsDoNotMix(t *testing.T) {
	const goroutines, rounds = 1000, 3
	operations := clienttest.Model(t).Service.Operations
	responses := make([]func(string) string, len(operations)) // by operation; the argument is the mark of the call
	byName := map[string]int{}
	for i, op := range operations {
		data, err := json.Marshal(marked(clienttest.NewOutput(t, op), "mark0x"))
		if err != nil {
			t.Fatal(err)
		}
		responses[i] = func(mark string) string { return strings.ReplaceAll(string(data), "mark0x", mark) }
		byName[op.ID.Name()] = i
	}
	var invocations sync.Map // invocation ID → mark
	var requests atomic.Int64
	client := clienttest.Stubbed(func(r *http.Request) (*http.Response, error) {
		requests.Add(1)
		mark, _ := r.Context().Value(markKey{}).(string)
		first := strings.HasPrefix(r.Header.Get("Amz-Sdk-Request"), "attempt=1;")
		if known, loaded := invocations.LoadOrStore(r.Header.Get("Amz-Sdk-Invocation-Id"), mark); loaded == first || known != mark {
			t.Errorf("%s shares its invocation ID with %s, first attempt: %t", mark, known, first)
		}
		var body []byte
		if r.Body != nil {
			body = make([]byte, r.ContentLength)
			for half := range 2 { // gives other calls time to overwrite the second half
				part := body[half*len(body)/2 : (half+1)*len(body)/2]
				if _, err := io.ReadFull(r.Body, part); err != nil {
					t.Errorf("%s: %v", mark, err)
				}
				runtime.Gosched()
			}
			if n, err := r.Body.Read(make([]byte, 1)); n != 0 || err != io.EOF {
				t.Errorf("%s: %d bytes behind the body, %v", mark, n, err)
			}
		}
		if hasType := r.Header.Get("Content-Type") != ""; hasType != (len(body) > 0) {
			t.Errorf("%s %s: %d bytes, content type %q", mark, r.URL.Path, len(body), r.Header.Get("Content-Type"))
		}
		header := new(strings.Builder)
		_ = r.Header.Write(header)
		others, own := foreign(fmt.Sprintf("%s\n%s\n%s", r.URL, header, body), mark)
		inHeader := marks.FindAllString(header.String()+r.URL.Host, -1)
		options, _ := r.Context().Value(optionsKey{}).(int)
		if len(others) > 0 || len(inHeader) != options {
			t.Errorf("%s %s: %d of %d marks in headers; of other calls %q", mark, r.URL.Path, len(inHeader), options, others)
		}
		wantsMember, _ := r.Context().Value(memberKey{}).(bool)
		if wantsMember && own == options {
			t.Errorf("%s %s: nothing of the input is in the request", mark, r.URL.Path)
		}
		n := len(mark) + int(mark[len(mark)-2])
		switch {
		case first && n%5 == 0:
			return nil, syscall.ECONNRESET
		case n%7 == 0:
			return clienttest.Response(http.StatusConflict, http.Header{"X-Amzn-Errortype": {"ConflictException"}, "X-Amzn-Requestid": {mark}}, `{"message":"`+mark+`","resourceId":"`+mark+`"}`), nil
		}
		operation := responses[byName[awsmiddleware.GetOperationName(r.Context())]]
		return clienttest.Response(http.StatusOK, http.Header{"X-Amzn-Requestid": {mark}}, operation(mark)), nil
	}, clienttest.RetryWithoutDelay, func(o *lambdamicrovms.Options) { o.Validation = lambdamicrovms.ValidationNone })

	// Each entry sets options of one call, and says how many marks they add to the
	// request's headers and host.
	ways := []struct {
		marks   int
		options func(mark string) []func(*lambdamicrovms.Options)
	}{
		{0, func(string) []func(*lambdamicrovms.Options) { return nil }},
		{0, func(string) []func(*lambdamicrovms.Options) { return nil }},
		{1, func(mark string) []func(*lambdamicrovms.Options) {
			return []func(*lambdamicrovms.Options){func(o *lambdamicrovms.Options) { o.AppID = mark }}
		}},
		{2, func(mark string) []func(*lambdamicrovms.Options) { // in the host and in the signature's scope
			return []func(*lambdamicrovms.Options){func(o *lambdamicrovms.Options) { o.Region = mark }}
		}},
		{2, func(mark string) []func(*lambdamicrovms.Options) {
			return []func(*lambdamicrovms.Options){func(o *lambdamicrovms.Options) {
				o.Credentials = plainCredentials{aws.Credentials{AccessKeyID: mark, SecretAccessKey: mark, SessionToken: mark}}
			}}
		}},
		{1, func(mark string) []func(*lambdamicrovms.Options) {
			return []func(*lambdamicrovms.Options){lambdamicrovms.WithAPIOptions(smithyhttp.AddHeaderValue("X-Own", mark))}
		}},
		{1, func(mark string) []func(*lambdamicrovms.Options) {
			return []func(*lambdamicrovms.Options){func(o *lambdamicrovms.Options) { o.Interceptors.AddAfterSerialization(markHeader(mark)) }}
		}},
		{1, func(mark string) []func(*lambdamicrovms.Options) {
			return []func(*lambdamicrovms.Options){func(o *lambdamicrovms.Options) { o.BaseEndpoint = aws.String("https://" + mark) }}
		}},
	}
	var calls, failures atomic.Int64
	var wait sync.WaitGroup
	start := make(chan struct{})
	for g := range goroutines {
		wait.Add(1)
		go func() {
			defer wait.Done()
			<-start
			for round := range rounds {
				n := g*rounds + round + 1
				mark := fmt.Sprintf("mark%dx", n)
				op := operations[n%len(operations)]
				way := ways[(n/len(operations))%len(ways)]
				in := marked(clienttest.NewInput(t, op), mark)
				before, _ := json.Marshal(in)
				ctx := context.WithValue(context.Background(), markKey{}, mark)
				ctx = context.WithValue(ctx, optionsKey{}, way.marks)
				ctx = context.WithValue(ctx, memberKey{}, marks.Match(before))
				args := []reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(in)}
				for _, option := range way.options(mark) {
					args = append(args, reflect.ValueOf(option))
				}
				results := clienttest.Method(t, client, op).Call(args)
				calls.Add(1)
				if err, _ := results[1].Interface().(error); err != nil {
					failures.Add(1)
					if others, own := foreign(err.Error(), mark); len(others) > 0 || own == 0 {
						t.Errorf("%s: the error is of %q: %v", mark, others, err)
					}
					var uncertain *lambdamicrovms.UncertainError
					if errors.As(err, &uncertain) && uncertain.ClientToken != "" && uncertain.ClientToken != mark {
						t.Errorf("%s: the token is %s", mark, uncertain.ClientToken)
					}
				} else {
					out := results[0]
					data, _ := json.Marshal(out.Interface())
					if want := responses[n%len(operations)](mark); string(data) != want {
						t.Errorf("%s: got %s, want %s", mark, data, want)
					}
					metadata := out.Elem().FieldByName("ResultMetadata").Interface().(middleware.Metadata)
					if id, _ := awsmiddleware.GetRequestIDMetadata(metadata); id != mark {
						t.Errorf("%s: request ID %s", mark, id)
					}
				}
				if after, _ := json.Marshal(in); string(after) != string(before) {
					t.Errorf("%s: the input became %s", mark, after)
				}
			}
		}()
	}
	close(start)
	wait.Wait()
	t.Logf("%d calls of %d operations by %d goroutines, %d requests, %d errors", calls.Load(), len(operations), goroutines, requests.Load(), failures.Load())
	if failures.Load() == 0 || requests.Load() == calls.Load() {
		t.Error("no call failed, or none was tried again")
	}
	if got := client.Options(); got.AppID != "" || got.Region != "us-east-1" || got.BaseEndpoint != nil || len(got.APIOptions) > 0 || len(got.Interceptors.AfterSerialization) > 0 {
		t.Errorf("options of calls have become the client's: %v", got)
	}
}

type (
	optionsKey struct{}
	memberKey  struct{}
	markHeader string
)

func (m markHeader) AfterSerialization(_ context.Context, in *smithyhttp.InterceptorContext) error {
	in.Request.Header.Set("X-Own", string(m))
	return nil
}
