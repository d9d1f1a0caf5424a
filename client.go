package lambdamicrovms

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// Client calls the operations of AWS Lambda MicroVMs. It is safe for concurrent use.
// Make it with New or NewFromConfig.
type Client struct {
	// options are those of New until complete. That they are elsewhere keeps them out of what
	// fmt prints of a struct that holds the client without asking for methods.
	options    *Options
	completing sync.Once
	// skew is how far the service's clock was ahead at the last answer, in nanoseconds.
	skew atomic.Int64

	// pipelines are those of calls that change no options, by operation and by what
	// makes the call. Each is made when it is first needed.
	pipelines [operationCount][featureCount]atomic.Pointer[pipeline]
	making    sync.Mutex
	settings  *settings // of options; guarded by making
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

// complete returns the options with all defaults filled in. Unless optFns had to see
// them, that happens when they are first needed: programs make clients they do not use.
func (c *Client) complete() *Options {
	c.completing.Do(func() { c.options.complete(nil) })
	return c.options
}

// Options returns a copy of the client's options, with all defaults filled in.
func (c *Client) Options() Options { return c.complete().Copy() }

// inputShape is what the runtime needs of an operation's input.
type inputShape interface {
	validate(*validator)
	serialize(*requestEncoder)
}

// tokenInput is an input whose client token is filled in when the caller leaves it out.
type tokenInput interface {
	inputShape
	tokenMember() **string
}

// outputShape is what the runtime needs of an operation's output.
type outputShape interface {
	restjson.Decoder
	setResultMetadata(middleware.Metadata)
}

// operation is all that is to say about an operation beyond its input I and output O.
// A pointer to I is an inputShape, one to O an outputShape.
type operation[I, O any] struct {
	name   string // in the service's model
	method string // of HTTP
	slot   int    // its place in Client.pipelines
	// readOnly says that the operation changes nothing.
	readOnly bool
	// returns says that the model requires members of the output, so that a success has a body.
	returns bool
}

// operationShape is operation without its type parameters, so that the runtime is not
// compiled once for each operation.
type operationShape interface {
	wire() (name, method string)
	index() int
	hasToken() bool
	changes() bool
	hasOutput() bool
	newOutput() outputShape
}

func (op *operation[I, O]) wire() (name, method string) { return op.name, op.method }
func (op *operation[I, O]) index() int                  { return op.slot }
func (op *operation[I, O]) changes() bool               { return !op.readOnly }
func (op *operation[I, O]) hasOutput() bool             { return op.returns }
func (op *operation[I, O]) newOutput() outputShape      { return any(new(O)).(outputShape) }

func (op *operation[I, O]) hasToken() bool {
	_, ok := any((*I)(nil)).(tokenInput)
	return ok
}

// invoke is the one way from an operation's method to the service.
func invoke[I, O any](ctx context.Context, c *Client, op *operation[I, O], params *I, optFns []func(*Options)) (*O, error) {
	if params == nil {
		params = new(I)
	} else if op.hasToken() {
		// All middlewares see the copy, and the caller's struct stays as it is.
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
	p, err := c.pipeline(ctx, op, optFns)
	var (
		out      any
		metadata middleware.Metadata
	)
	if err == nil {
		out, metadata, err = p.run(ctx, in)
	}
	if err != nil {
		return nil, metadata, callError(op, in, metadata, err)
	}
	return out, metadata, nil
}

// pipeline returns what runs a call: what the client keeps for the operation, unless
// the caller can change something about this call.
func (c *Client) pipeline(ctx context.Context, op operationShape, optFns []func(*Options)) (*pipeline, error) {
	feature := featureOf(ctx)
	if len(optFns) > 0 || len(c.complete().APIOptions) > 0 {
		return c.assemblePipeline(op, feature, optFns)
	}
	kept := &c.pipelines[op.index()][feature]
	if p := kept.Load(); p != nil {
		return p, nil
	}
	c.making.Lock()
	defer c.making.Unlock()
	if p := kept.Load(); p != nil {
		return p, nil
	}
	p, err := c.compilePipeline(op, feature)
	if err != nil {
		return nil, err
	}
	kept.Store(p)
	return p, nil
}

// compilePipeline makes a pipeline for all calls without options of their own.
func (c *Client) compilePipeline(op operationShape, feature callFeature) (*pipeline, error) {
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
	if c.settings.private() {
		first = func() any { return lentRequest }
		transport = &directTransport{client: c.settings.client, general: transport, watched: op.changes()}
	}
	handler, err := compile(assemble(c.settings, op, feature), first, transport)
	if err != nil {
		return nil, err
	}
	return newPipeline(c.settings, op, handler), nil
}

// assemblePipeline makes a pipeline for a single call.
func (c *Client) assemblePipeline(op operationShape, feature callFeature, optFns []func(*Options)) (*pipeline, error) {
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
	return newPipeline(s, op, middleware.DecorateHandler(s.transport, stack)), nil
}
