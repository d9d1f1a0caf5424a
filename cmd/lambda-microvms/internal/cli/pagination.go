package cli

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/output"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/params"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// truncated is the member of a resume token that says how many items of the page were
// seen.
const truncated = "boto_truncate_amount"

// paginator walks through the pages of an operation.
type paginator struct {
	*api.Paginator
	limited  bool // by --max-items
	maxItems int64
	pageSize any
	start    *string // --starting-token
	skip     int64   // items of the first page that were seen before
	resume   string  // the token to go on with, if items were cut off
}

// paging reads the options of pages; nil if the operation has none or they are off.
func (s *Session) paging(op *api.Operation) (*paginator, error) {
	if op.Paginator == nil {
		return nil, nil
	}
	manual := false
	for _, name := range []string{op.Paginator.InputToken, op.Paginator.Limit} {
		manual = manual || s.Args.Has(op.Input.Member(name).Option)
	}
	if s.Globals.NoPaginate || manual {
		return nil, s.noPagingOptions()
	}
	p := &paginator{Paginator: op.Paginator}
	if s.Args.Has("max-items") {
		v, _ := value.ParseInt(s.Args.Value("max-items"))
		p.maxItems, p.limited = v.(int64)
		if p.limited && p.maxItems <= 0 {
			fmt.Fprintln(s.Stderr, "warning: Non-positive values for --max-items may result in undefined behavior.")
		}
	}
	if s.Args.Has("page-size") {
		p.pageSize, _ = value.ParseInt(s.Args.Value("page-size"))
	}
	if s.Args.Has("starting-token") {
		token, err := params.Load(s.Args.Value("starting-token"))
		if err != nil {
			return nil, fault.Parameter("starting-token", "%s", err)
		}
		if token, p.skip, err = startingToken(token, p.InputToken); err != nil {
			return nil, err
		}
		p.start = &token
	}
	return p, nil
}

// noPagingOptions refuses the options of pages, because paging is off.
func (s *Session) noPagingOptions() error {
	var used []string
	for _, name := range []string{"starting-token", "page-size", "max-items"} {
		if s.Args.Has(name) {
			used = append(used, "--"+name)
		}
	}
	if len(used) == 0 {
		return nil
	}
	return fault.Usage("Cannot specify --no-paginate along with pagination arguments: %s", strings.Join(used, ", "))
}

// manual reports whether the input itself says which page to get.
func (p *paginator) manual(input *value.Map) bool {
	return input.Has(p.InputToken) || input.Has(p.Limit)
}

// prepare sets the members of the first page.
func (p *paginator) prepare(input *value.Map) {
	if p.start != nil && *p.start != "" && *p.start != "None" {
		input.Set(p.InputToken, *p.start)
	}
	if p.pageSize != nil {
		input.Set(p.Limit, p.pageSize)
	}
}

// startingToken reads a token of NextToken: base64 of a document, or of old the service's
// token with the number of items behind three underscores. Anything else is a token of
// the service. A document of another operation is refused: it would begin at the first
// page again.
func startingToken(text, member string) (token string, skip int64, err error) {
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil {
		if v, err := value.ReadJSON(string(decoded)); err == nil {
			if m, ok := v.(*value.Map); ok {
				t, _ := m.Get(member)
				token, isText := t.(string)
				n, _ := m.Get(truncated)
				skip, _ = n.(int64)
				m.Delete(member, truncated)
				if m.Len() > 0 || t != nil && !isText {
					return "", 0, fault.Parameter("starting-token", "it is not a NextToken of this operation")
				}
				return token, skip, nil
			}
		}
	}
	if before, after, ok := strings.Cut(text, "___"); ok {
		if n, isInt := value.ParseInt(after); isInt {
			if skip, ok := n.(int64); ok {
				return before, skip, nil
			}
		}
	}
	return text, 0, nil
}

// resumeToken makes a token of NextToken.
func resumeToken(member string, token any, skip *int64) string {
	m := value.NewMap(value.Member{Name: member, Value: token})
	if skip != nil {
		m.Set(truncated, *skip)
	}
	return base64.StdEncoding.EncodeToString(value.JSON{ASCII: true}.Append(nil, m))
}

// each calls yield with every page, whose items are cut by the limits, until it is false.
func (p *paginator) each(input *value.Map, call func(*value.Map) (*value.Map, error), yield func(*value.Map) error) error {
	current, _ := input.Get(p.InputToken)
	var total int64
	skip := p.skip
	for {
		page, err := call(input)
		if err != nil {
			return err
		}
		items := p.items(page)
		if skip > 0 || p.start != nil && total == 0 && page.Has(p.Items) {
			items = items[min(max(0, skip), int64(len(items))):]
			page.Set(p.Items, items)
		}
		if over := total + int64(len(items)) - p.maxItems; p.limited && over > 0 {
			keep := int64(len(items)) - over
			seen := keep + skip
			p.resume = resumeToken(p.InputToken, current, &seen)
			page.Set(p.Items, pythonHead(items, keep))
			return yield(page)
		}
		skip = 0
		if err := yield(page); err != nil {
			return err
		}
		total += int64(len(items))
		next, _ := page.Get(p.OutputToken)
		if next == nil || next == "" {
			return nil
		}
		if p.limited && total == p.maxItems {
			p.resume = resumeToken(p.InputToken, next, nil)
			return nil
		}
		if next == current {
			return fault.General("Error during pagination: The same next token was received twice: %s",
				value.Repr(value.NewMap(value.Member{Name: p.InputToken, Value: next})))
		}
		current = next
		input.Set(p.InputToken, next)
	}
}

// pythonHead is list[:n], where a negative n counts from the end.
func pythonHead(list []any, n int64) []any {
	if n < 0 {
		n = max(0, int64(len(list))+n)
	}
	return list[:min(n, int64(len(list)))]
}

func (p *paginator) items(page *value.Map) []any {
	v, _ := page.Get(p.Items)
	items, _ := v.([]any)
	return items
}

// printPages prints all pages: merged, or one by one if the format streams.
func (s *Session) printPages(op *api.Operation, p *paginator, input *value.Map, call func(*value.Map) (*value.Map, error)) error {
	printer, err := s.printer()
	if err != nil {
		return err
	}
	if printer.Format.Streams() {
		return streamPages(printer, op, p, input, call)
	}
	all := []any{}
	found := false
	if err := p.each(input, call, func(page *value.Map) error {
		found = found || page.Has(p.Items)
		all = append(all, p.items(page)...)
		return nil
	}); err != nil {
		return err
	}
	merged := new(value.Map)
	if found {
		merged.Set(p.Items, all)
	}
	if p.resume != "" {
		merged.Set("NextToken", p.resume)
	}
	return OutputError(printer.Print(op.Name, merged, false))
}

func streamPages(
	printer *output.Printer, op *api.Operation, p *paginator, input *value.Map, call func(*value.Map) (*value.Map, error),
) error {
	text := printer.Format == output.Text
	if err := p.each(input, call, func(page *value.Map) error {
		if text {
			items, _ := page.Get(p.Items)
			page = value.NewMap(value.Member{Name: p.Items, Value: items})
		}
		return printer.Print(op.Name, page, true)
	}); err != nil {
		return OutputError(err)
	}
	if text && p.resume != "" {
		token := value.NewMap(value.Member{Name: "NextToken", Value: p.resume})
		return OutputError(printer.Print(op.Name, value.NewMap(value.Member{Name: "NextToken", Value: token}), true))
	}
	return nil
}
