package images

import (
	"context"
	"iter"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// pageLimit ends a list whose next tokens never end.
func pageLimit(o *lambdamicrovms.PaginatorOptions) { o.MaxPages = workflow.MaxPages }

// microVMPageLimit is pageLimit for lists of MicroVMs.
func microVMPageLimit(o *lambdamicrovms.PaginatorOptions) { o.MaxPages = workflow.MaxMicroVMPages }

// list returns the items of all pages. A page whose items are nil rather than empty is an
// error: it looks like an image without versions, or a version without MicroVMs.
func list[I, O, T any](ctx context.Context, operation string, pages *lambdamicrovms.Paginator[I, O, T], items func(*O) []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		for page, err := range pages.Pages(ctx) {
			if err != nil {
				yield(none, err)
				return
			}
			found := items(page)
			if found == nil {
				yield(none, workflow.Incomplete(operation, "Items"))
				return
			}
			for _, item := range found {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}
