package lambdamicrovms

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// Client calls the operations of AWS Lambda MicroVMs. It is safe for concurrent use. Make
// it with New or NewFromConfig.
type Client struct {
	// options is a pointer, because fmt prints unexported fields without calling Format:
	// it then shows an address, not the credentials. See complete.
	options    *Options
	completing sync.Once
	// skew is how far the service's clock was ahead at the last response, in nanoseconds.
	skew atomic.Int64

	// chains holds the compiled chains. Each is compiled by the first call that needs it.
	chains    [operationCount][featureCount]atomic.Pointer[chain]
	compiling sync.Mutex
	settings  *settings // of all compiled chains; guarded by compiling
}

// New returns a Client with the options, changed by optFns.
func New(options Options, optFns ...func(*Options)) *Client {
	options = options.Copy()
	c := &Client{options: &options}
	if len(optFns) > 0 {
		c.completing.Do(func() { c.options.complete(optFns) })
	}
	return c
}

// complete returns the options with all defaults. It fills them in at the first use of
// the client, because programs make clients that they never use. Option functions need
// them earlier.
func (c *Client) complete() *Options {
	c.completing.Do(func() { c.options.complete(nil) })
	return c.options
}

// Options returns a copy of the client's options, with all defaults filled in.
func (c *Client) Options() Options { return c.complete().Copy() }

// inputShape is the input of an operation.
type inputShape interface {
	validate(*validator)
	serialize(*requestEncoder)
}

// tokenInput is an input with a client token. The client fills it in if it is nil.
type tokenInput interface {
	inputShape
	tokenMember() **string
}

// outputShape is the output of an operation. Its decode is DecodeJSON under a name that
// inputs do not have: the linker keeps the methods of all shapes that are called through
// an interface, but most programs decode no input.
type outputShape interface {
	decode(*restjson.Reader)
	setResultMetadata(middleware.Metadata)
}

// operation describes an operation with input I and output O. A pointer to I is an
// inputShape, one to O an outputShape.
type operation[I, O any] struct {
	operationInfo
}

// operationInfo is the part of an operation that does not depend on its types.
type operationInfo struct {
	name   string // in the model
	method string // of HTTP
	slot   int    // index in Client.chains
	// readOnly is true if the operation changes nothing.
	readOnly bool
	// returns is true if the model requires members of the output, so that a success has
	// a body.
	returns bool
}

// operationShape is an operation without its type parameters, so that the runtime is not
// compiled once for each operation.
type operationShape interface {
	info() *operationInfo
	hasToken() bool
	newOutput() outputShape
}

func (op *operationInfo) info() *operationInfo { return op }

func (op *operation[I, O]) newOutput() outputShape { return any(new(O)).(outputShape) }

func (op *operation[I, O]) hasToken() bool {
	_, ok := any((*I)(nil)).(tokenInput)
	return ok
}

// invoke calls an operation. All methods of operations end here.
func invoke[I, O any](ctx context.Context, c *Client, op *operation[I, O], params *I, optFns []func(*Options)) (*O, error) {
	if params == nil {
		params = new(I)
	} else if op.hasToken() {
		// The caller's struct stays unchanged. All middlewares see the copy.
		copied := *params
		params = &copied
	}
	result, metadata, err := c.call(ctx, op, params, optFns)
	if err != nil {
		return nil, err
	}
	out, ok := result.(*O)
	if !ok {
		return nil, callError(op, params, metadata, fmt.Errorf("a middleware returned a %T for a %T", result, out))
	}
	any(out).(outputShape).setResultMetadata(metadata)
	return out, nil
}

func (c *Client) call(ctx context.Context, op operationShape, in any, optFns []func(*Options)) (any, middleware.Metadata, error) {
	chain, err := c.chain(ctx, op, optFns)
	var (
		out      any
		metadata middleware.Metadata
	)
	began := time.Now()
	if err == nil {
		out, metadata, err = chain.run(ctx, in)
	}
	if err != nil {
		return nil, metadata, callError(op, in, metadata, countAttempts(metadata, began, err))
	}
	return out, metadata, nil
}

// chain returns the client's compiled chain of the operation, or a new one if the caller
// can change anything about this call.
func (c *Client) chain(ctx context.Context, op operationShape, optFns []func(*Options)) (*chain, error) {
	feature := featureOf(ctx)
	if len(optFns) > 0 || len(c.complete().APIOptions) > 0 {
		return c.assembleChain(op, feature, optFns)
	}
	kept := &c.chains[op.info().slot][feature]
	if compiled := kept.Load(); compiled != nil {
		return compiled, nil
	}
	c.compiling.Lock()
	defer c.compiling.Unlock()
	if compiled := kept.Load(); compiled != nil {
		return compiled, nil
	}
	compiled, err := c.compileChain(op, feature)
	if err != nil {
		return nil, err
	}
	kept.Store(compiled)
	return compiled, nil
}

// compileChain makes the chain of all calls without their own options.
func (c *Client) compileChain(op operationShape, feature callFeature) (*chain, error) {
	if c.settings == nil {
		options := c.Options()
		options.useOrdinarySigner()
		s, err := newSettings(&options, &c.skew)
		if err != nil {
			return nil, err
		}
		c.settings = s
	}
	first, transport := smithyhttp.NewStackRequest, c.settings.transport
	if c.settings.ownsRequests() {
		first = func() any { return lentRequest }
		transport = &directTransport{client: c.settings.client, general: transport, watched: !op.info().readOnly}
	}
	stack := assemble(c.settings, op, feature)
	if err := c.settings.quicken(stack); err != nil {
		return nil, err
	}
	handler, err := compile(stack, first, transport)
	if err != nil {
		return nil, err
	}
	return newChain(c.settings, op, handler), nil
}

// assembleChain makes a chain for a single call.
func (c *Client) assembleChain(op operationShape, feature callFeature, optFns []func(*Options)) (*chain, error) {
	options := c.Options()
	for _, fn := range optFns {
		fn(&options)
	}
	options.inherit(c.options)
	s, err := newSettings(&options, &c.skew)
	if err != nil {
		return nil, err
	}
	stack := assemble(s, op, feature)
	for _, fn := range options.APIOptions {
		if err := fn(stack); err != nil {
			return nil, err
		}
	}
	return newChain(s, op, middleware.DecorateHandler(s.transport, stack)), nil
}
