package lambdamicrovms

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// httpRequest returns the request of a step.
func httpRequest(v any) (*smithyhttp.Request, error) {
	req, ok := v.(*smithyhttp.Request)
	if !ok {
		return nil, fmt.Errorf("unknown transport type %T", v)
	}
	return req, nil
}

// handleFinalize runs one step of an attempt, then the rest of the chain. If the step
// fails, nothing has been sent.
func handleFinalize(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler,
	step func(context.Context, *smithyhttp.Request) error,
) (out middleware.FinalizeOutput, metadata middleware.Metadata, err error) {
	req, err := httpRequest(in.Request)
	if err == nil {
		err = step(ctx, req)
	}
	if err != nil {
		return out, metadata, markUnsent(err)
	}
	return next.HandleFinalize(ctx, in)
}

// fillToken fills in the client token. It runs before the retry loop, so all attempts
// carry the same token.
type fillToken struct {
	provider IdempotencyTokenProvider
}

func (*fillToken) ID() string { return "OperationIdempotencyTokenAutoFill" }

func (m *fillToken) HandleInitialize(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (
	out middleware.InitializeOutput, metadata middleware.Metadata, err error,
) {
	input, ok := in.Parameters.(tokenInput)
	if !ok {
		return out, metadata, fmt.Errorf("unexpected input type %T", in.Parameters)
	}
	if token := input.tokenMember(); *token == nil {
		made, err := m.provider.GetIdempotencyToken()
		if err != nil {
			return out, metadata, err
		}
		*token = &made
	}
	return next.HandleInitialize(ctx, in)
}

type serializeRequest struct {
	*settings
	method string
}

func (*serializeRequest) ID() string { return "OperationSerializer" }

func (m *serializeRequest) HandleSerialize(ctx context.Context, in middleware.SerializeInput, next middleware.SerializeHandler) (
	out middleware.SerializeOutput, metadata middleware.Metadata, err error,
) {
	encoder := newRequestEncoder()
	in.Request, err = m.serialize(ctx, in, encoder)
	if err == nil {
		out, metadata, err = next.HandleSerialize(ctx, in)
	}
	// Not earlier, because the request may be the encoder's memory. Not deferred, because
	// after a panic an HTTP client may still use it.
	encoder.release()
	return out, metadata, err
}

func (m *serializeRequest) serialize(ctx context.Context, in middleware.SerializeInput, encoder *requestEncoder) (*smithyhttp.Request, error) {
	_, span := m.startSpan(ctx, "OperationSerializer")
	defer span.End()
	defer m.timer(ctx, serializeDuration, nil)()

	req, err := httpRequest(in.Request)
	if err != nil {
		return nil, err
	}
	input, ok := in.Parameters.(inputShape)
	if !ok {
		return nil, fmt.Errorf("unexpected input type %T", in.Parameters)
	}
	if call := callOf(ctx); call != nil {
		call.input = input
	}
	input.serialize(encoder)
	if encoder.err != nil {
		return nil, &smithy.SerializationError{Err: encoder.err}
	}
	if req == lentRequest {
		req = encoder.lend(input)
	} else if encoder.hasBody {
		body := &requestBody{data: slices.Clone(encoder.body.Bytes()), input: input}
		if req, err = req.SetStream(body); err != nil {
			return nil, &smithy.SerializationError{Err: err}
		}
	}
	req.Method = m.method
	encoder.address(req)
	return req, nil
}

// requestEncoder turns an input into a request. Generated code calls its methods in the
// order of the request: path, then query, then body.
type requestEncoder struct {
	path, escapedPath []byte
	query             []byte
	body              restjson.Writer
	hasBody           bool
	err               error

	// The fields below are lent to calls: see lend.
	plain     smithyhttp.Request
	streaming *smithyhttp.Request
	http      http.Request
	url       url.URL
	header    http.Header
	stream    requestBody
}

var requestEncoders = sync.Pool{New: func() any { return &requestEncoder{header: http.Header{}} }}

func newRequestEncoder() *requestEncoder { return requestEncoders.Get().(*requestEncoder) }

// maxPooledBuffer is the maximum size of a buffer that is reused.
const maxPooledBuffer = 64 << 10

func (e *requestEncoder) release() {
	if cap(e.body.Bytes()) > maxPooledBuffer {
		return
	}
	clear(e.body.Bytes()) // it may hold secrets, which must not stay in memory
	e.body.Reset()
	e.stream = requestBody{}
	clear(e.header)
	e.path, e.escapedPath, e.query = e.path[:0], e.escapedPath[:0], e.query[:0]
	e.hasBody, e.err = false, nil
	requestEncoders.Put(e)
}

// literal adds text of the URI pattern to the path.
func (e *requestEncoder) literal(s string) {
	e.path = append(e.path, s...)
	e.escapedPath = append(e.escapedPath, s...)
}

// label adds a member to the path. In every validation mode it rejects values that would
// change the path.
func (e *requestEncoder) label(member string, value *string) {
	if value == nil || hasDotSegment(*value) {
		e.fail(fmt.Errorf("%s is part of the path: it can't be unset, empty or dots, nor have dots alone between slashes", member))
		return
	}
	e.path = append(e.path, *value...)
	e.escapedPath = appendEscaped(e.escapedPath, *value)
}

// hasDotSegment reports whether a value could change the path in a proxy that unescapes
// slashes, or treats backslashes as slashes, before it resolves dot segments.
func hasDotSegment(value string) bool {
	for segment := range strings.FieldsFuncSeq(value, func(c rune) bool { return c == '/' || c == '\\' }) {
		if strings.Trim(segment, ".") == "" {
			return true
		}
	}
	return value == ""
}

func (e *requestEncoder) queryString(name string, value *string) {
	if value != nil {
		e.queryValue(name, *value)
	}
}

func (e *requestEncoder) queryEnum(name, value string) {
	if value != "" {
		e.queryValue(name, value)
	}
}

func (e *requestEncoder) queryInt32(name string, value *int32) { //nolint:unparam // maxResults is the only such parameter
	if value != nil {
		e.queryValue(name, strconv.Itoa(int(*value)))
	}
}

func (e *requestEncoder) queryStrings(name string, values []string) {
	for _, value := range values {
		e.queryValue(name, value)
	}
}

func (e *requestEncoder) queryValue(name, value string) {
	if len(e.query) > 0 {
		e.query = append(e.query, '&')
	}
	e.query = appendEscaped(e.query, name)
	e.query = append(e.query, '=')
	e.query = appendEscaped(e.query, value)
}

// json makes the body. Operations without a body do not call it.
func (e *requestEncoder) json(encode func(*restjson.Writer)) {
	e.hasBody = true
	encode(&e.body)
	if err := e.body.Err(); err != nil {
		e.fail(err)
	}
}

func (e *requestEncoder) fail(err error) { e.err = errors.Join(e.err, err) }

// address sets path and query of the request.
func (e *requestEncoder) address(req *smithyhttp.Request) {
	if e.hasBody {
		req.Header["Content-Type"] = []string{"application/json"}
	}
	// One allocation: all three are substrings of this string.
	path, query := len(e.path), len(e.path)+len(e.escapedPath)
	e.path = append(append(e.path, e.escapedPath...), e.query...)
	target := string(e.path)
	req.URL.Path = target[:path]
	req.URL.RawPath = target[path:query] // slashes in ARNs must not split the path
	req.URL.RawQuery = target[query:]
}

// appendEscaped escapes all but the unreserved characters of RFC 3986, as Signature
// Version 4 requires.
func appendEscaped(dst []byte, s string) []byte {
	const digits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', digits[c>>4], digits[c&15])
		}
	}
	return dst
}

// ownBody returns the body of a request if the client made it, or nil.
func ownBody(request any) *requestBody {
	req, ok := request.(*smithyhttp.Request)
	if !ok {
		return nil
	}
	body, _ := req.GetStream().(*requestBody)
	return body
}

// requestBody is the body of a request. It must not have WriteTo: smithy-go's wrapper
// would return io.EOF from WriteTo once the body is closed. If the response arrives
// early, net/http takes that for a broken request, closes the connection and sends the
// request again.
type requestBody struct {
	input  inputShape // data is its JSON
	data   []byte
	read   int
	sha256 string
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.read >= len(b.data) {
		return 0, io.EOF
	}
	n := copy(p, b.data[b.read:])
	b.read += n
	return n, nil
}

func (b *requestBody) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
	case io.SeekCurrent:
		offset += int64(b.read)
	case io.SeekEnd:
		offset += int64(len(b.data))
	default:
		return 0, fmt.Errorf("seek from %d", whence)
	}
	if offset < 0 || offset > int64(len(b.data)) {
		return 0, errors.New("seek outside of the request body")
	}
	b.read = int(offset)
	return offset, nil
}

// Len returns how many bytes are left to read.
func (b *requestBody) Len() int { return len(b.data) - b.read }

// hash returns the SHA-256 sum of the whole body. It is computed once for all attempts of
// a call.
func (b *requestBody) hash() string {
	if b.sha256 == "" {
		sum := sha256.Sum256(b.data)
		var text [2 * sha256.Size]byte
		hex.Encode(text[:], sum[:])
		b.sha256 = string(text[:])
	}
	return b.sha256
}
