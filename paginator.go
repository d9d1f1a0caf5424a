package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/aws/smithy-go"
)

// PaginatorOptions are the options of every paginator.
type PaginatorOptions struct {
	// Limit is the most items that the service may put on one page. It is preset
	// from the input's MaxResults; zero or less leaves the page size to the service.
	Limit int32

	// StopOnDuplicateToken ends the listing without an error when a page names the
	// very token that it was asked for with. By default a *DuplicateTokenError
	// follows that page, because the listing is then known to be incomplete.
	StopOnDuplicateToken bool

	// MaxPages ends a listing that may never end: a service can name a new token with
	// every page, or take turns between two. After that many pages a *PageLimitError
	// follows unless the listing is complete. Zero or less means no bound.
	MaxPages int
}

// PageLimitError reports that a listing has more pages than PaginatorOptions.MaxPages. It
// is incomplete.
type PageLimitError struct {
	// Operation is the name of the operation, such as "ListMicroVMImages".
	Operation string
	// MaxPages is the bound, which is the number of pages received.
	MaxPages int
}

func (e *PageLimitError) Error() string {
	return fmt.Sprintf("%s paginator: not complete after %d pages, the most allowed", e.Operation, e.MaxPages)
}

// DuplicateTokenError reports that a listing cannot make progress: a page named
// the token that it was asked for with as the token of the page after it.
type DuplicateTokenError struct {
	// Operation is the name of the operation, such as "ListMicroVMImages".
	Operation string
	// Pages is the number of pages received, the one with the repeated token included.
	Pages int
}

func (e *DuplicateTokenError) Error() string {
	return fmt.Sprintf("%s paginator: the service repeated the token of page %d, the listing is incomplete", e.Operation, e.Pages)
}

// Paginator walks through the pages of one listing, once and forwards: NextPage,
// Pages and Items share its position, so that each goes on where the one before
// it stopped. It is made by the New…Paginator functions, copies the input then,
// and must not be used by more than one goroutine at a time.
type Paginator[I, O, T any] struct {
	operation string
	call      func(context.Context, *I, ...func(*Options)) (*O, error)
	request   pageRequest[I]
	response  pageResponse[O, T]
	options   PaginatorOptions

	params I
	token  *string
	pages  int
	stuck  bool
	// rest is what a loop over Items left of the page it was broken off in.
	rest []T
}

// A pageRequest finds the members of an input that choose the page.
type pageRequest[I any] func(*I) (token **string, limit **int32)

// A pageResponse finds the token of the page after an output, and its items.
type pageResponse[O, T any] func(*O) (next *string, items []T)

func newPaginator[I, O, T any](
	operation string,
	call func(context.Context, *I, ...func(*Options)) (*O, error),
	params *I,
	request pageRequest[I],
	response pageResponse[O, T],
	optFns []func(*PaginatorOptions),
) *Paginator[I, O, T] {
	p := &Paginator[I, O, T]{operation: operation, call: call, request: request, response: response}
	if params != nil {
		p.params = *params
	}
	token, limit := request(&p.params)
	if *token != nil {
		start := **token
		p.token = &start
	}
	if *limit != nil {
		p.options.Limit = **limit
	}
	for _, fn := range optFns {
		fn(&p.options)
	}
	return p
}

// HasMorePages reports whether NextPage has a page, or an error, to return. It
// stays true after an error: the listing is not complete.
func (p *Paginator[I, O, T]) HasMorePages() bool {
	return p.pages == 0 || p.token != nil && *p.token != ""
}

// NextPage requests the next page. A page may be empty and still not be the last
// one. After an error the position is kept, and NextPage asks for the same page
// again; a *DuplicateTokenError and a *PageLimitError are final and cost no request.
func (p *Paginator[I, O, T]) NextPage(ctx context.Context, optFns ...func(*Options)) (*O, error) {
	out, _, err := p.next(ctx, optFns)
	return out, err
}

func (p *Paginator[I, O, T]) next(ctx context.Context, optFns []func(*Options)) (*O, []T, error) {
	if !p.HasMorePages() {
		return nil, nil, errors.New("no more pages available")
	}
	if p.stuck {
		return nil, nil, &DuplicateTokenError{Operation: p.operation, Pages: p.pages}
	}
	if p.options.MaxPages > 0 && p.pages >= p.options.MaxPages {
		return nil, nil, &PageLimitError{Operation: p.operation, MaxPages: p.options.MaxPages}
	}

	// Each call gets an input of its own, down to the members set here, so that
	// nothing below can reach the position or the input of the page after it.
	params := p.params
	token, limit := p.request(&params)
	*token, *limit = nil, nil
	if p.token != nil {
		current := *p.token
		*token = &current
	}
	if p.options.Limit > 0 {
		size := p.options.Limit
		*limit = &size
	}

	out, err := p.call(withFeature(ctx, featurePaginator), &params, optFns...)
	if err == nil && out == nil {
		err = errNoOutput()
	}
	if err != nil {
		return nil, nil, err
	}

	next, items := p.response(out)
	if next != nil && p.token != nil && *next == *p.token {
		if p.options.StopOnDuplicateToken {
			next = nil
		} else {
			p.stuck = true
		}
	}
	p.pages++
	p.token = next
	p.rest = nil
	return out, items, nil
}

// errNoOutput is the error of a client, such as a stub, that returned neither an output nor
// an error. To callers it is a response that cannot be read.
func errNoOutput() error {
	return &smithy.DeserializationError{Err: errors.New("the client returned neither an output nor an error")}
}

// Pages returns the pages that are left. It yields an error once, with a nil page,
// and ends there; ranging over it again asks for the same page again. The options
// apply to each request.
func (p *Paginator[I, O, T]) Pages(ctx context.Context, optFns ...func(*Options)) iter.Seq2[*O, error] {
	return func(yield func(*O, error) bool) {
		for p.HasMorePages() {
			out, err := p.NextPage(ctx, optFns...)
			if !yield(out, err) || err != nil {
				return
			}
		}
	}
}

// Items returns the items of the pages that are left, requesting each page when it
// is reached. It yields an error once, with a zero item, and ends there. After
// a break the next loop over Items begins with the item that follows; NextPage
// and Pages begin with the next page instead, and give up the rest of this one.
func (p *Paginator[I, O, T]) Items(ctx context.Context, optFns ...func(*Options)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for {
			for len(p.rest) > 0 {
				item := p.rest[0]
				p.rest = p.rest[1:]
				if !yield(item, nil) {
					return
				}
			}
			if !p.HasMorePages() {
				return
			}
			_, items, err := p.next(ctx, optFns)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			p.rest = items
		}
	}
}
