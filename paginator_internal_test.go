package lambdamicrovms

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

type shelfInput struct {
	Filter     string
	NextToken  *string
	MaxResults *int32
}

type shelfOutput struct {
	Books     []string
	NextToken *string
}

type shelfCall = func(context.Context, *shelfInput, ...func(*Options)) (*shelfOutput, error)

// newShelfPaginator has the form of generated code.
func newShelfPaginator(call shelfCall, params *shelfInput, optFns ...func(*PaginatorOptions)) *Paginator[shelfInput, shelfOutput, string] {
	return newPaginator("ListShelf", call, params,
		func(in *shelfInput) (**string, **int32) { return &in.NextToken, &in.MaxResults },
		func(out *shelfOutput) (*string, []string) { return out.NextToken, out.Books },
		optFns)
}

// shelf returns the page for a token and keeps copies of the inputs. It returns an error
// once.
type shelf struct {
	pages  map[string]shelfOutput
	fail   map[string]error
	inputs []shelfInput
}

func (s *shelf) list(_ context.Context, in *shelfInput, _ ...func(*Options)) (*shelfOutput, error) {
	s.inputs = append(s.inputs, *in)
	token := ""
	if in.NextToken != nil {
		token = *in.NextToken
		// A client that writes into its input must not change the paginator's.
		seen := token
		s.inputs[len(s.inputs)-1].NextToken = &seen
		*in.NextToken = "overwritten"
	}
	in.Filter, in.NextToken, in.MaxResults = "overwritten", nil, nil
	if err := s.fail[token]; err != nil {
		delete(s.fail, token)
		return nil, err
	}
	page := s.pages[token]
	return &page, nil
}

func shelfPage(next string, books ...string) shelfOutput {
	out := shelfOutput{Books: books}
	if next != "" {
		out.NextToken = &next
	}
	return out
}

func threePages() map[string]shelfOutput {
	return map[string]shelfOutput{"": shelfPage("2", "a", "b"), "2": shelfPage("3"), "3": shelfPage("", "c")}
}

// turn is the result of one step through a listing.
type turn struct {
	Books []string
	Err   error
}

func byNextPage(ctx context.Context, p *Paginator[shelfInput, shelfOutput, string]) (turns []turn) {
	for p.HasMorePages() {
		out, err := p.NextPage(ctx)
		if err != nil {
			return append(turns, turn{Err: err})
		}
		turns = append(turns, turn{Books: out.Books})
	}
	return turns
}

func byPages(ctx context.Context, p *Paginator[shelfInput, shelfOutput, string]) (turns []turn) {
	for out, err := range p.Pages(ctx) {
		if err != nil {
			turns = append(turns, turn{Err: err})
			continue
		}
		turns = append(turns, turn{Books: out.Books})
	}
	return turns
}

func byItems(ctx context.Context, p *Paginator[shelfInput, shelfOutput, string]) (turns []turn) {
	for book, err := range p.Items(ctx) {
		if err != nil {
			turns = append(turns, turn{Err: err})
			continue
		}
		turns = append(turns, turn{Books: []string{book}})
	}
	return turns
}

func TestPaginator(t *testing.T) {
	down := errors.New("down")
	empty := ""
	tests := []struct {
		name      string
		pages     map[string]shelfOutput
		fail      map[string]error
		params    *shelfInput
		options   func(*PaginatorOptions)
		want      []turn // by page
		wantItems []turn
		inputs    []shelfInput
	}{
		{
			name:      "one page, nil input",
			pages:     map[string]shelfOutput{"": shelfPage("", "a")},
			want:      []turn{{Books: []string{"a"}}},
			wantItems: []turn{{Books: []string{"a"}}},
			inputs:    []shelfInput{{}},
		},
		{
			name:      "nothing at all",
			pages:     map[string]shelfOutput{"": shelfPage("")},
			want:      []turn{{}},
			wantItems: nil,
			inputs:    []shelfInput{{}},
		},
		{
			name:      "an empty page with a token goes on",
			pages:     threePages(),
			params:    &shelfInput{Filter: "f"},
			want:      []turn{{Books: []string{"a", "b"}}, {}, {Books: []string{"c"}}},
			wantItems: []turn{{Books: []string{"a"}}, {Books: []string{"b"}}, {Books: []string{"c"}}},
			inputs:    []shelfInput{{Filter: "f"}, {Filter: "f", NextToken: aws.String("2")}, {Filter: "f", NextToken: aws.String("3")}},
		},
		{
			name:      "an empty token ends",
			pages:     map[string]shelfOutput{"": {Books: []string{"a"}, NextToken: &empty}},
			want:      []turn{{Books: []string{"a"}}},
			wantItems: []turn{{Books: []string{"a"}}},
			inputs:    []shelfInput{{}},
		},
		{
			name:      "an empty token to begin with",
			pages:     map[string]shelfOutput{"": shelfPage("3", "a"), "3": shelfPage("", "c")},
			params:    &shelfInput{NextToken: aws.String("")},
			want:      []turn{{Books: []string{"a"}}, {Books: []string{"c"}}},
			wantItems: []turn{{Books: []string{"a"}}, {Books: []string{"c"}}},
			inputs:    []shelfInput{{NextToken: aws.String("")}, {NextToken: aws.String("3")}},
		},
		{
			name:      "begins at the input's token with the input's limit",
			pages:     threePages(),
			params:    &shelfInput{NextToken: aws.String("2"), MaxResults: aws.Int32(7)},
			want:      []turn{{}, {Books: []string{"c"}}},
			wantItems: []turn{{Books: []string{"c"}}},
			inputs: []shelfInput{
				{NextToken: aws.String("2"), MaxResults: aws.Int32(7)},
				{NextToken: aws.String("3"), MaxResults: aws.Int32(7)},
			},
		},
		{
			name:      "Limit replaces MaxResults",
			pages:     map[string]shelfOutput{"": shelfPage("", "a")},
			params:    &shelfInput{MaxResults: aws.Int32(7)},
			options:   func(o *PaginatorOptions) { o.Limit += 2 },
			want:      []turn{{Books: []string{"a"}}},
			wantItems: []turn{{Books: []string{"a"}}},
			inputs:    []shelfInput{{MaxResults: aws.Int32(9)}},
		},
		{
			name:      "Limit zero clears MaxResults",
			pages:     map[string]shelfOutput{"": shelfPage("", "a")},
			params:    &shelfInput{MaxResults: aws.Int32(7)},
			options:   func(o *PaginatorOptions) { o.Limit = 0 },
			want:      []turn{{Books: []string{"a"}}},
			wantItems: []turn{{Books: []string{"a"}}},
			inputs:    []shelfInput{{}},
		},
		{
			name:      "an error comes once and ends",
			pages:     threePages(),
			fail:      map[string]error{"3": down},
			want:      []turn{{Books: []string{"a", "b"}}, {}, {Err: down}},
			wantItems: []turn{{Books: []string{"a"}}, {Books: []string{"b"}}, {Err: down}},
			inputs:    []shelfInput{{}, {NextToken: aws.String("2")}, {NextToken: aws.String("3")}},
		},
		{
			name:      "a repeated token is an error after its page",
			pages:     map[string]shelfOutput{"": shelfPage("2", "a"), "2": shelfPage("2", "b")},
			want:      []turn{{Books: []string{"a"}}, {Books: []string{"b"}}, {Err: &DuplicateTokenError{Operation: "ListShelf", Pages: 2}}},
			wantItems: []turn{{Books: []string{"a"}}, {Books: []string{"b"}}, {Err: &DuplicateTokenError{Operation: "ListShelf", Pages: 2}}},
			inputs:    []shelfInput{{}, {NextToken: aws.String("2")}},
		},
		{
			name:      "a repeated first token is an error too",
			pages:     map[string]shelfOutput{"2": shelfPage("2", "b")},
			params:    &shelfInput{NextToken: aws.String("2")},
			want:      []turn{{Books: []string{"b"}}, {Err: &DuplicateTokenError{Operation: "ListShelf", Pages: 1}}},
			wantItems: []turn{{Books: []string{"b"}}, {Err: &DuplicateTokenError{Operation: "ListShelf", Pages: 1}}},
			inputs:    []shelfInput{{NextToken: aws.String("2")}},
		},
		{
			name:      "StopOnDuplicateToken ends quietly",
			pages:     map[string]shelfOutput{"": shelfPage("2", "a"), "2": shelfPage("2", "b")},
			options:   func(o *PaginatorOptions) { o.StopOnDuplicateToken = true },
			want:      []turn{{Books: []string{"a"}}, {Books: []string{"b"}}},
			wantItems: []turn{{Books: []string{"a"}}, {Books: []string{"b"}}},
			inputs:    []shelfInput{{}, {NextToken: aws.String("2")}},
		},
		{
			name:      "tokens that take turns end at MaxPages",
			pages:     map[string]shelfOutput{"": shelfPage("1", "a"), "1": shelfPage("2", "b"), "2": shelfPage("1", "c")},
			options:   func(o *PaginatorOptions) { o.MaxPages = 3 },
			want:      []turn{{Books: []string{"a"}}, {Books: []string{"b"}}, {Books: []string{"c"}}, {Err: &PageLimitError{"ListShelf", 3}}},
			wantItems: []turn{{Books: []string{"a"}}, {Books: []string{"b"}}, {Books: []string{"c"}}, {Err: &PageLimitError{"ListShelf", 3}}},
			inputs:    []shelfInput{{}, {NextToken: aws.String("1")}, {NextToken: aws.String("2")}},
		},
		{
			name:      "a listing may have just MaxPages",
			pages:     map[string]shelfOutput{"": shelfPage("2", "a"), "2": shelfPage("", "b")},
			options:   func(o *PaginatorOptions) { o.MaxPages = 2 },
			want:      []turn{{Books: []string{"a"}}, {Books: []string{"b"}}},
			wantItems: []turn{{Books: []string{"a"}}, {Books: []string{"b"}}},
			inputs:    []shelfInput{{}, {NextToken: aws.String("2")}},
		},
	}
	walks := []struct {
		name  string
		walk  func(context.Context, *Paginator[shelfInput, shelfOutput, string]) []turn
		items bool
	}{
		{name: "NextPage", walk: byNextPage},
		{name: "Pages", walk: byPages},
		{name: "Items", walk: byItems, items: true},
	}
	for _, tt := range tests {
		for _, walk := range walks {
			t.Run(tt.name+"/"+walk.name, func(t *testing.T) {
				s := &shelf{pages: tt.pages, fail: map[string]error{}}
				for token, err := range tt.fail {
					s.fail[token] = err
				}
				var optFns []func(*PaginatorOptions)
				if tt.options != nil {
					optFns = append(optFns, tt.options)
				}
				var params *shelfInput
				if tt.params != nil {
					params = &shelfInput{Filter: tt.params.Filter}
					if tt.params.NextToken != nil {
						params.NextToken = aws.String(*tt.params.NextToken)
					}
					if tt.params.MaxResults != nil {
						params.MaxResults = aws.Int32(*tt.params.MaxResults)
					}
				}

				want := tt.want
				if walk.items {
					want = tt.wantItems
				}
				got := walk.walk(t.Context(), newShelfPaginator(s.list, params, optFns...))
				if diff := cmp.Diff(want, got, cmp.Comparer(sameText)); diff != "" {
					t.Errorf("listing (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.inputs, s.inputs); diff != "" {
					t.Errorf("inputs (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tt.params, params); diff != "" {
					t.Errorf("the caller's input was changed (-before +after):\n%s", diff)
				}
			})
		}
	}
}

// sameText treats two errors as equal if they print the same. Tests check types where
// they matter.
func sameText(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}

func TestPaginatorEnd(t *testing.T) {
	p := newShelfPaginator((&shelf{pages: map[string]shelfOutput{"": shelfPage("", "a")}}).list, nil)
	if !p.HasMorePages() {
		t.Error("HasMorePages = false before the first page")
	}
	if _, err := p.NextPage(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p.HasMorePages() {
		t.Error("HasMorePages = true after the last page")
	}
	if out, err := p.NextPage(t.Context()); out != nil || err == nil || err.Error() != "no more pages available" {
		t.Errorf("NextPage after the end = %v, %v", out, err)
	}
	for out, err := range p.Pages(t.Context()) {
		t.Errorf("Pages after the end yields %v, %v", out, err)
	}
	for book, err := range p.Items(t.Context()) {
		t.Errorf("Items after the end yields %q, %v", book, err)
	}
}

func TestPaginatorRetriesThePage(t *testing.T) {
	down := errors.New("down")
	for _, token := range []string{"", "2", "3"} {
		t.Run("at token "+token, func(t *testing.T) {
			s := &shelf{pages: threePages(), fail: map[string]error{token: down}}
			p := newShelfPaginator(s.list, nil)
			first := byPages(t.Context(), p)
			if err := first[len(first)-1].Err; !errors.Is(err, down) {
				t.Fatalf("first listing ends with %v, want %v", err, down)
			}
			if !p.HasMorePages() {
				t.Error("HasMorePages = false after an error")
			}
			got := slices.Concat(first[:len(first)-1], byPages(t.Context(), p))
			want := []turn{{Books: []string{"a", "b"}}, {}, {Books: []string{"c"}}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("both listings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPaginatorWithoutOutput(t *testing.T) {
	p := newShelfPaginator(func(context.Context, *shelfInput, ...func(*Options)) (*shelfOutput, error) { return nil, nil }, nil)
	_, err := p.NextPage(t.Context())
	var unreadable *smithy.DeserializationError
	if !errors.As(err, &unreadable) {
		t.Errorf("error = %v, want a *smithy.DeserializationError", err)
	}
}

func TestDuplicateTokenErrorIsFinal(t *testing.T) {
	s := &shelf{pages: map[string]shelfOutput{"": shelfPage("secret-token", "a"), "secret-token": shelfPage("secret-token", "b")}}
	p := newShelfPaginator(s.list, nil)
	for range 2 {
		if _, err := p.NextPage(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		_, err := p.NextPage(t.Context())
		var duplicate *DuplicateTokenError
		if !errors.As(err, &duplicate) {
			t.Fatalf("error = %v, want a *DuplicateTokenError", err)
		}
		want := "ListShelf paginator: the service repeated the token of page 2, the listing is incomplete"
		if diff := cmp.Diff(want, err.Error()); diff != "" {
			t.Errorf("text (-want +got):\n%s", diff)
		}
	}
	if len(s.inputs) != 2 {
		t.Errorf("%d requests, want 2", len(s.inputs))
	}
}

func TestPaginatorKeepsItsInput(t *testing.T) {
	s := &shelf{pages: threePages()}
	params := &shelfInput{Filter: "f", NextToken: aws.String("2"), MaxResults: aws.Int32(7)}
	p := newShelfPaginator(s.list, params)
	params.Filter = "changed"
	*params.NextToken = "changed"
	*params.MaxResults = 1

	if _, err := p.NextPage(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []shelfInput{{Filter: "f", NextToken: aws.String("2"), MaxResults: aws.Int32(7)}}
	if diff := cmp.Diff(want, s.inputs); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
}

func TestPaginatorSharesItsPosition(t *testing.T) {
	pages := map[string]shelfOutput{
		"": shelfPage("2", "a", "b", "c"), "2": shelfPage("3", "d", "e"), "3": shelfPage("4", "f"), "4": shelfPage("", "g"),
	}
	p := newShelfPaginator((&shelf{pages: pages}).list, nil)
	take := func(n int) (books []string) {
		for book, err := range p.Items(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if books = append(books, book); len(books) == n {
				break
			}
		}
		return books
	}
	steps := []struct {
		name string
		got  func() []string
		want []string
	}{
		{name: "Items broken off in a page", got: func() []string { return take(1) }, want: []string{"a"}},
		{name: "Items goes on in that page and broken off at its end", got: func() []string { return take(2) }, want: []string{"b", "c"}},
		{name: "Items goes on with the next page", got: func() []string { return take(1) }, want: []string{"d"}},
		{
			name: "NextPage takes the next page",
			got: func() []string {
				out, err := p.NextPage(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return out.Books
			},
			want: []string{"f"},
		},
		{
			name: "Pages goes on",
			got: func() []string {
				var books []string
				for out, err := range p.Pages(t.Context()) {
					if err != nil {
						t.Fatal(err)
					}
					books = append(books, out.Books...)
					break
				}
				return books
			},
			want: []string{"g"},
		},
		{name: "nothing is left", got: func() []string { return take(1) }, want: nil},
	}
	for _, step := range steps {
		if diff := cmp.Diff(step.want, step.got(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestPaginatorItemsOfTheLastPageSurviveABreak(t *testing.T) {
	p := newShelfPaginator((&shelf{pages: map[string]shelfOutput{"": shelfPage("", "a", "b")}}).list, nil)
	for _, err := range p.Items(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	want := []turn{{Books: []string{"b"}}}
	if diff := cmp.Diff(want, byItems(t.Context(), p)); diff != "" {
		t.Errorf("rest (-want +got):\n%s", diff)
	}
}

func lastError[V any](seq iter.Seq2[V, error]) error {
	var last error
	for _, err := range seq {
		last = err
	}
	return last
}

func TestPaginatorPassesContextAndOptions(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "mine")
	option := func(o *Options) { o.Region = "eu-central-1" }
	calls := 0
	call := func(ctx context.Context, _ *shelfInput, optFns ...func(*Options)) (*shelfOutput, error) {
		calls++
		if ctx.Value(key{}) != "mine" {
			t.Errorf("call %d: not the caller's context", calls)
		}
		if got := featureOf(ctx); got != featurePaginator {
			t.Errorf("call %d has feature %v, want %v", calls, got, featurePaginator)
		}
		var options Options
		for _, fn := range optFns {
			fn(&options)
		}
		if len(optFns) != 1 || options.Region != "eu-central-1" {
			t.Errorf("call %d: %d options, region %q", calls, len(optFns), options.Region)
		}
		out := shelfPage("next")
		return &out, nil
	}
	p := newShelfPaginator(call, nil)
	if _, err := p.NextPage(ctx, option); err != nil {
		t.Fatal(err)
	}
	pagesErr := lastError(p.Pages(ctx, option))
	p = newShelfPaginator(call, nil)
	itemsErr := lastError(p.Items(ctx, option))
	for _, err := range []error{pagesErr, itemsErr} {
		var duplicate *DuplicateTokenError
		if !errors.As(err, &duplicate) {
			t.Errorf("error = %v, want a *DuplicateTokenError", err)
		}
	}
	if calls != 4 {
		t.Errorf("calls = %d, want 4", calls)
	}
}
