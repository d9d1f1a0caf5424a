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
	// Limit is the maximum number of items on a page. Its initial value is the input's
	// MaxResults. Zero or less leaves the page size to the service.
	Limit int32

	// StopOnDuplicateToken ends the listing without an error if the service returns the
	// token of the current page as that of the next. By default a *DuplicateTokenError
	// follows that page, because the listing is incomplete.
	StopOnDuplicateToken bool

	// MaxPages protects against a listing that never ends, because every page has a new
	// token or two tokens alternate. A *PageLimitError follows after this many pages if
	// there are more. Zero or less means no limit.
	MaxPages int
}

// PageLimitError reports that a listing has more pages than PaginatorOptions.MaxPages. It
// is incomplete.
type PageLimitError struct {
	// Operation is the name of the operation, such as "ListMicroVMImages".
	Operation string
	// MaxPages is the limit, which is also the number of pages received.
	MaxPages int
}

func (e *PageLimitError) Error() string {
	return fmt.Sprintf("%s paginator: not complete after %d pages, the most allowed", e.Operation, e.MaxPages)
}

// DuplicateTokenError reports that a listing cannot make progress: the service returned
// the token of the current page as that of the next.
type DuplicateTokenError struct {
	// Operation is the name of the operation, such as "ListMicroVMImages".
	Operation string
	// Pages is the number of pages received, including the one with the repeated token.
	Pages int
}

func (e *DuplicateTokenError) Error() string {
	return fmt.Sprintf("%s paginator: the service repeated the token of page %d, the listing is incomplete", e.Operation, e.Pages)
}

// Paginator requests the pages of one listing in order. NextPage, Pages and Items share
// its position: each continues where the previous one stopped. The New…Paginator
// functions make a Paginator and copy the input. Only one goroutine may use it at a time.
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
	// rest holds the remaining items of the page in which a loop over Items ended.
	rest []T
}

// A pageRequest returns pointers to the members of an input that select the page.
type pageRequest[I any] func(*I) (token **string, limit **int32)

// A pageResponse returns the token of the next page and the items of an output.
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

// HasMorePages reports whether NextPage has a page or an error to return. It stays true
// after an error, because the listing is incomplete.
func (p *Paginator[I, O, T]) HasMorePages() bool {
	return p.pages == 0 || p.token != nil && *p.token != ""
}

// NextPage requests the next page. A page may be empty without being the last. After an
// error NextPage requests the same page again. A *DuplicateTokenError and a
// *PageLimitError are final: NextPage returns them again without a request.
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

	// Each call gets its own copy of the input and of the members set here, so that
	// middleware cannot change the position or the input of the next page.
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

// errNoOutput returns the error for a client, such as a stub, that returned neither an
// output nor an error. It looks like that of an unreadable response.
func errNoOutput() error {
	return &smithy.DeserializationError{Err: errors.New("the client returned neither an output nor an error")}
}

// Pages iterates over the remaining pages. It yields an error once, with a nil page, and
// ends; another loop requests the same page again. The options apply to each request.
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

// Items iterates over the items of the remaining pages, and requests each page when it is
// reached. It yields an error once, with a zero item, and ends. After a break, another
// loop over Items starts with the next item. NextPage and Pages skip the rest of the page
// and start with the next one.
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
