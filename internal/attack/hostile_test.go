package attack

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
	"github.com/microvm-go/lambdamicrovms/internal/codegen/sample"
)

// most bounds what one call, with its server, may allocate if the response reaches or
// exceeds the limit. About half of it is needed: for a buffer that doubled up to twice
// the limit, its copy as a string, and a hundred thousand decoded elements.
func most(limit int64) uint64 { return uint64(128*clienttest.MiB + 24*limit) }

// allocated returns how many bytes were allocated while f ran, including those freed
// since.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// flood repeats text until n bytes are written or the client has closed the connection.
func flood(w io.Writer, text string, n int64) (written int64) {
	chunk := []byte(strings.Repeat(text, max(1, 64*clienttest.KiB/len(text))))
	for written < n {
		m, err := w.Write(chunk)
		written += int64(m)
		if err != nil {
			break
		}
	}
	return written
}

func isSendError(err error) bool {
	var failed *smithyhttp.RequestSendError
	return errors.As(err, &failed)
}

func isNil(err error) bool { return err == nil }

// Whatever a server sends, the call returns a typed error, uses bounded memory, and the
// next call works.
func TestHostileBodies(t *testing.T) {
	deep := strings.Repeat(`[`, 100_000)
	text := func(s string) hostileBody { return func(w http.ResponseWriter) { _, _ = io.WriteString(w, s) } }
	typed := func(contentType string, b hostileBody) hostileBody {
		return func(w http.ResponseWriter) { w.Header().Set("Content-Type", contentType); b(w) }
	}
	failing := func(status int, b hostileBody) hostileBody {
		return func(w http.ResponseWriter) { w.WriteHeader(status); b(w) }
	}
	endless := func(start, text string) hostileBody {
		return func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, start)
			if n := flood(w, text, clienttest.GiB); n >= clienttest.GiB {
				t.Error("the client has read 1 GiB")
			}
		}
	}
	declared := func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", fmt.Sprint(clienttest.GiB))
		flood(w, " ", clienttest.GiB)
	}
	zipped := func(w http.ResponseWriter) {
		w.Header().Set("Content-Encoding", "gzip")
		zip(w, "{}", 1)
	}
	tests := map[string]struct {
		body  hostileBody
		check func(error) bool
	}{
		"endless space":              {endless("", " "), isSizeErrorOf(clienttest.MiB)},
		"endless space behind":       {endless("{}", " "), isSizeErrorOf(clienttest.MiB)},
		"string of 1 GB":             {endless(`{"nextToken":"`, "x"), isSizeErrorOf(clienttest.MiB)},
		"unknown string of 1 GB":     {endless(`{"new":"`, "x"), isSizeErrorOf(clienttest.MiB)},
		"number of 1 GB":             {endless(`{"items":[{"createdAt":1`, "0"), isSizeErrorOf(clienttest.MiB)},
		"endless list":               {endless(`{"items":[{}`, ",{}"), isSizeErrorOf(clienttest.MiB)},
		"endless map":                {endless(`{"items":[{"environmentVariables":{"":""`, `,"a":""`), isSizeErrorOf(clienttest.MiB)},
		"endless members":            {endless(`{"items":[]`, `,"items":[]`), isSizeErrorOf(clienttest.MiB)},
		"1 GB, declared":             {declared, isSizeErrorOf(clienttest.MiB)},
		"300,000 objects":            {text(`{"items":[{}` + strings.Repeat(",{}", 300_000) + `]}`), clienttest.IsDeserializationError},
		"200,000 nulls":              {text(`{"items":[null` + strings.Repeat(",null", 200_000) + `]}`), clienttest.IsDeserializationError},
		"110,000 keys":               {text(`{"items":[{"environmentVariables":{` + keys(110_000) + `}}]}`), clienttest.IsDeserializationError},
		"300,000 objects, unknown":   {text(`{"new":[{}` + strings.Repeat(",{}", 300_000) + `]}`), isNil},
		"deep":                       {text(`{"items":` + deep), clienttest.IsDeserializationError},
		"deep objects":               {text(strings.Repeat(`{"a":`, 100_000)), clienttest.IsDeserializationError},
		"deep, unknown":              {text(`{"new":` + deep), clienttest.IsDeserializationError},
		"deep, unknown, whole":       {text(`{"new":` + deep + strings.Repeat("]", len(deep)) + `}`), clienttest.IsDeserializationError},
		"deep in a union":            {text(`{"items":[{"logging":{"new":` + deep + `}}]}`), clienttest.IsDeserializationError},
		"HTML":                       {typed("text/html", text("<html>sign in</html>")), isContentTypeError("text/html")},
		"no content type":            {typed("", text("sign in")), isContentTypeError("")},
		"picture":                    {typed("image/png", text("\x89PNG\r\n\x1a\n\x00")), isContentTypeError("image/png")},
		"long content type":          {typed(strings.Repeat("x", 100*clienttest.KiB), text("no")), clienttest.IsShort(clienttest.IsDeserializationError)},
		"JSON as something else":     {typed("text/plain", text(`{"items":[]}`)), isNil},
		"JSON as binary":             {typed("application/octet-stream", text(`{}`)), isNil},
		"gzip that nobody asked for": {zipped, clienttest.IsDeserializationError},
		"error, endless":             {failing(400, endless("", "<")), clienttest.IsAPIError(400)},
		"error, endless text":        {failing(403, endless("", "x")), clienttest.IsAPIError(403)},
		"error, endless space":       {failing(404, endless(`{"message":"no"}`, " ")), clienttest.IsAPIError(404)},
		"error, deep":                {failing(400, text(deep)), clienttest.IsAPIError(400)},
		"error, deep member":         {failing(400, text(`{"message":`+deep)), clienttest.IsAPIError(400)},
		"error, many members":        {failing(400, text(`{"":0`+strings.Repeat(`,"":0`, 200_000)+`}`)), clienttest.IsAPIError(400)},
		"nothing":                    {text(""), isBroken},
		"spaces":                     {text(strings.Repeat(" ", 1000)), isBroken},
		"null":                       {text(" null "), isBroken},
		"nothing, accepted":          {failing(204, func(http.ResponseWriter) {}), isBroken},
		"no members":                 {text("{}"), isNil},
		"not modified":               {failing(304, func(http.ResponseWriter) {}), clienttest.IsAPIError(304)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for _, mode := range []aws.ClientLogMode{0, ^aws.ClientLogMode(0)} {
				testHostileBody(t, clienttest.MiB, mode, test.body, test.check)
			}
		})
	}
	// The limit that applies if Options set none.
	t.Run("default limit, endless", func(t *testing.T) {
		testHostileBody(t, 0, 0, endless(`{"nextToken":"`, "x"), isSizeErrorOf(16*clienttest.MiB))
	})
	t.Run("default limit, 5 million objects", func(t *testing.T) {
		testHostileBody(t, 0, 0, text(`{"items":[{}`+strings.Repeat(",{}", 5_000_000)+`]}`), clienttest.IsDeserializationError)
	})
}

// A hostileBody writes the response to a call of ListMicroVMImageVersions.
type hostileBody func(http.ResponseWriter)

func testHostileBody(t *testing.T, limit int64, mode aws.ClientLogMode, body hostileBody, check func(error) bool) {
	t.Helper()
	var asked atomic.Int64
	options, _ := clienttest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if encodings := r.Header.Values("Accept-Encoding"); len(encodings) > 0 {
			t.Errorf("asked for %s", encodings)
		}
		if asked.Add(1) == 1 {
			body(w)
			return
		}
		_, _ = io.WriteString(w, `{"nextToken":"good"}`)
	})
	var logged int64
	options.MaxResponseBytes, options.Retryer, options.ClientLogMode, options.Logger = limit, aws.NopRetryer{}, mode, logSize{&logged}
	client := lambdamicrovms.New(options)
	list := func() (*lambdamicrovms.ListMicroVMImageVersionsOutput, error) {
		return client.ListMicroVMImageVersions(context.Background(), &lambdamicrovms.ListMicroVMImageVersionsInput{
			ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:web"),
		})
	}
	var err error
	used := allocated(func() { _, err = list() })
	if !check(err) {
		t.Errorf("log mode %x: got %.300v", mode, err)
	}
	if limit := client.Options().MaxResponseBytes; used > most(limit) {
		t.Errorf("log mode %x: %d MiB were allocated, at most %d MiB should be", mode, used/clienttest.MiB, most(limit)/clienttest.MiB)
	}
	if logged > 200*clienttest.KiB { // one logged content type may be this long
		t.Errorf("log mode %x: %d bytes went to the log", mode, logged)
	}
	if out, err := list(); err != nil || aws.ToString(out.NextToken) != "good" {
		t.Errorf("log mode %x: the call after it: %v", mode, err)
	}
}

func isSizeErrorOf(limit int64) func(error) bool {
	return func(err error) bool {
		var failed *lambdamicrovms.ResponseSizeError
		return errors.As(err, &failed) && failed.Limit == limit
	}
}

func isContentTypeError(contentType string) func(error) bool {
	return func(err error) bool {
		return clienttest.IsDeserializationError(err) && strings.Contains(err.Error(), fmt.Sprintf("content type is %q", contentType))
	}
}

// keys returns n members of an object as JSON.
func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%x":"",`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// logSize is a logger that counts the bytes of its messages.
type logSize struct{ bytes *int64 }

func (l logSize) Logf(_ logging.Classification, format string, v ...any) {
	*l.bytes += int64(len(fmt.Sprintf(format, v...)))
}

func zip(w io.Writer, text string, n int) {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		panic(err)
	}
	chunk := []byte(strings.Repeat(text, max(1, min(n, 64*clienttest.KiB/len(text)))))
	for ; n > 0; n -= len(chunk) / len(text) {
		_, _ = z.Write(chunk)
	}
	_ = z.Close()
}

// A caller's HTTP client may ask for compressed responses. The limit then applies to the
// decompressed body.
func TestCompressedResponses(t *testing.T) {
	var bomb bytes.Buffer
	zip(&bomb, " ", 64*clienttest.MiB)
	var plain bytes.Buffer
	zip(&plain, `{"nextToken":"good"}`, 1)
	var send []byte
	options, _ := clienttest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "gzip" {
			t.Errorf("asked for %q", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(send)
	})
	options.HTTPClient, options.Retryer = &http.Client{Transport: &http.Transport{}}, aws.NopRetryer{}
	client := lambdamicrovms.New(options)

	send = bomb.Bytes()
	used := allocated(func() {
		if _, err := client.ListMicroVMs(context.Background(), nil); !clienttest.IsSizeError(err) {
			t.Errorf("a bomb of %d KiB: %v", len(send)/clienttest.KiB, err)
		}
	})
	if used > most(16*clienttest.MiB) {
		t.Errorf("%d MiB were allocated", used/clienttest.MiB)
	}
	send = plain.Bytes()
	if out, err := client.ListMicroVMs(context.Background(), nil); err != nil || aws.ToString(out.NextToken) != "good" {
		t.Errorf("a response within the limit: %v", err)
	}
	send = plain.Bytes()[:plain.Len()-4]
	if _, err := client.ListMicroVMs(context.Background(), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("one that breaks off: %v", err)
	}
}

// Header lines and chunks are limited by net/http and by our settings of it.
func TestHostileHTTP(t *testing.T) {
	tests := map[string]struct {
		start, then string // start is sent once, then "then" repeatedly until the client closes the connection
		check       func(error) bool
	}{
		"endless status line":         {"HTTP/1.1 200 ", "x", isSendError},
		"endless name":                {"HTTP/1.1 200 OK\r\n", "x", isSendError},
		"endless value":               {"HTTP/1.1 200 OK\r\nX: ", "x", isSendError},
		"endless headers":             {"HTTP/1.1 200 OK\r\n", "X: x\r\n", isSendError},
		"endless early hints":         {"", "HTTP/1.1 103 Early Hints\r\n\r\n", isSendError},
		"endless chunk header":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x", isBroken},
		"endless chunk size":          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1", isBroken},
		"endless small chunks":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;" + strings.Repeat("x", 500) + "\r\n \r\n", isBroken},
		"endless trailer":             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n", "X: x\r\n", isBroken},
		"two lengths":                 {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "", isSendError},
		"negative length":             {"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}", "", isSendError},
		"length and chunks":           {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "", isNil},
		"unknown coding":              {"HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13\r\n\r\n", "{}", isSendError},
		"too short":                   {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", "", isBroken},
		"too long":                    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}{}", "", isNil},
		"line break in a header":      {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\n{}", "", isNil},
		"space in a name":             {"HTTP/1.1 200 OK\r\nX Y: a\r\n\r\n{}", "", isNil},
		"no HTTP":                     {"SSH-2.0-OpenSSH_9.9\r\n", "", isSendError},
		"zeros":                       {"", "\x00", isSendError},
		"nothing":                     {"", "", isSendError},
		"another protocol":            {"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", "x", clienttest.IsAPIError(101)},
		"another protocol, not asked": {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "x", clienttest.IsAPIError(101)},
		"status 999":                  {"HTTP/1.1 999 No\r\nContent-Length: 2\r\n\r\n{}", "", clienttest.IsAPIError(999)},
		"status 0":                    {"HTTP/1.1 000 No\r\nContent-Length: 2\r\n\r\n{}", "", clienttest.IsAPIError(0)},
		"status 100000":               {"HTTP/1.1 100000 No\r\nContent-Length: 2\r\n\r\n{}", "", isSendError},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			options := clienttest.ServeConns(t, func(conn net.Conn) {
				if !clienttest.ReadRequest(conn) {
					return
				}
				_, _ = io.WriteString(conn, test.start)
				if test.then != "" && flood(conn, test.then, clienttest.GiB) >= clienttest.GiB {
					t.Error("the client has read 1 GiB")
				}
				_ = conn.Close()
			})
			client := lambdamicrovms.New(options)
			used := allocated(func() {
				if _, err := client.ListMicroVMs(context.Background(), nil); !test.check(err) {
					t.Errorf("got %T: %.300v", errors.Unwrap(err), err)
				}
			})
			if used > most(0) {
				t.Errorf("%d MiB were allocated", used/clienttest.MiB)
			}
		})
	}
}

// isBroken reports whether err is that of a truncated response, which is retried.
func isBroken(err error) bool {
	var retryable interface{ RetryableError() bool }
	return clienttest.IsDeserializationError(err) && errors.As(err, &retryable) && retryable.RetryableError()
}

// TestHostileBodies uses one list operation; this test covers all. Decoding an output or
// error uses bounded memory whatever the server sends, and none of it stays in use after
// the call.
func TestHostileResponsesOfAllOperations(t *testing.T) {
	const limit = 256 * clienttest.KiB
	var body hostileBody
	options, _ := clienttest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { body(w) })
	options.MaxResponseBytes, options.Retryer = limit, aws.NopRetryer{}
	client := lambdamicrovms.New(options)
	deep := strings.Repeat(`[`, 100_000)
	calls, most := 0, uint64(0)
	try := func(op *model.Shape, name string, hostile hostileBody, check func(error) bool) {
		t.Helper()
		body = hostile
		var err error
		used := allocated(func() { _, err = clienttest.Call(t, client, op, sample.Minimal(op.Input)) })
		if !check(err) {
			t.Errorf("%s, %s: got %.300v", op.ID.Name(), name, err)
		}
		if calls++; used > 32*clienttest.MiB {
			t.Errorf("%s, %s: %d MiB were allocated", op.ID.Name(), name, used/clienttest.MiB)
		}
		most = max(most, used)
	}
	text := func(s string) hostileBody { return func(w http.ResponseWriter) { _, _ = io.WriteString(w, s) } }
	endless := func(start, more string) hostileBody {
		return func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, start)
			if flood(w, more, clienttest.GiB) >= clienttest.GiB {
				t.Error("the client has read 1 GiB")
			}
		}
	}
	failing := func(status int, code string, b hostileBody) hostileBody {
		return func(w http.ResponseWriter) { w.Header().Set("X-Amzn-Errortype", code); w.WriteHeader(status); b(w) }
	}
	m := clienttest.Model(t)
	before := retained()
	for _, op := range m.Service.Operations {
		names := []string{"new"}
		for _, member := range op.Output.Members {
			names = append(names, member.Name)
		}
		for _, name := range names {
			try(op, "endless string in "+name, endless(`{"`+name+`":"`, "x"), isSizeErrorOf(limit))
			try(op, "endless object in "+name, endless(`{"`+name+`":{"a":""`, `,"a":""`), isSizeErrorOf(limit))
			try(op, "endless list in "+name, endless(`{"`+name+`":[null`, `,null`), isSizeErrorOf(limit))
			try(op, "nesting in "+name, text(`{"`+name+`":`+deep+strings.Repeat("]", len(deep))+`}`), clienttest.IsDeserializationError)
		}
		for _, shape := range clienttest.Errors(m) {
			code, status := shape.ID.Name(), shape.Traits.HTTPStatus
			try(op, code+", endless", failing(status, code, endless(`{"message":"`, "x")), clienttest.IsAPIError(status))
			try(op, code+", nesting", failing(status, code, text(`{"message":`+deep)), clienttest.IsAPIError(status))
		}
		try(op, "HTML", text("<html>sign in</html>"), clienttest.IsDeserializationError)
	}
	kept := retained() - before
	t.Logf("%d responses; a call allocated %d KiB at most; %d KiB more are in use than before", calls, most/clienttest.KiB, kept/clienttest.KiB)
	if kept > 8*clienttest.MiB {
		t.Errorf("%d KiB are kept", kept/clienttest.KiB)
	}
}

// retained returns how much memory is in use.
func retained() int64 {
	runtime.GC()
	runtime.GC() // pools are emptied by the second collection
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// A server that sends a few bytes at a time is never idle, but it can delay a call only
// until the context ends.
func TestSlowLoris(t *testing.T) {
	const head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
	for name, test := range map[string]struct{ start, drop string }{
		"status line":  {"", "H"},
		"header name":  {"HTTP/1.1 200 OK\r\n", "x"},
		"headers":      {"HTTP/1.1 200 OK\r\n", "X: y\r\n"},
		"early hints":  {"", "HTTP/1.1 103 Early Hints\r\n\r\n"},
		"body":         {head + `{"nextToken":"`, "x"},
		"space":        {head, " "},
		"chunks":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n"},
		"chunk header": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x"},
		"error":        {"HTTP/1.1 503 No\r\nContent-Length: 100000\r\n\r\n", "<"},
	} {
		for _, mode := range []aws.ClientLogMode{0, ^aws.ClientLogMode(0)} {
			ctx, cancel := context.WithCancel(context.Background())
			gone := make(chan struct{})
			options := clienttest.ServeConns(t, func(conn net.Conn) {
				defer close(gone)
				if !clienttest.ReadRequest(conn) {
					return
				}
				_, _ = io.WriteString(conn, test.start)
				for sent := 0; ; sent++ { // until the client has gone
					if sent == 3 {
						cancel()
					}
					if _, err := io.WriteString(conn, strings.Repeat(test.drop, 1+sent/1000)); err != nil {
						return
					}
				}
			})
			options.ClientLogMode = mode
			_, err := lambdamicrovms.New(options).ListMicroVMs(ctx, nil)
			// A server that sends the rest after the context has ended may deliver its
			// headers, but the call still fails.
			if !errors.Is(err, context.Canceled) && !isSendError(err) && !isBroken(err) {
				t.Errorf("%s, log mode %x: %v", name, mode, err)
			}
			<-gone
		}
	}
}
