// Package output writes responses in the formats of the AWS CLI, byte for byte.
package output

import (
	"io"
	"slices"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/jmespath"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/yamlout"
)

// Format is a value of --output.
type Format string

// The formats.
const (
	JSON       Format = "json"
	Text       Format = "text"
	Table      Format = "table"
	YAML       Format = "yaml"
	YAMLStream Format = "yaml-stream"
	Off        Format = "off"
)

// Formats are all formats, in the order of messages.
var Formats = [...]string{string(JSON), string(Text), string(Table), string(YAML), string(YAMLStream), string(Off)}

// Streams reports whether pages are written one by one, not merged.
func (f Format) Streams() bool { return f == Text || f == YAMLStream }

// Known reports whether f is a format.
func (f Format) Known() bool { return slices.Contains(Formats[:], string(f)) }

// Printer writes responses.
type Printer struct {
	Format        Format
	Query         *jmespath.Expression // applied first; nil is all
	Color         bool                 // of tables
	TerminalWidth int                  // for tables
	Terminal      bool                 // the output is shown on a terminal: nothing in it may steer that
	Out           io.Writer
}

// Print writes the response of an operation, or one page if the format streams. title is
// that of a table. An empty response writes nothing, unless it is a page.
func (p *Printer) Print(title string, response any, page bool) error {
	if p.Query != nil && p.Format != Off {
		var err error
		if response, err = p.Query.Search(response); err != nil {
			return err
		}
	}
	if p.Terminal && (p.Format == Text || p.Format == Table) {
		response = harmless(response)
	}
	b := p.append(nil, title, response, page)
	if p.Terminal && p.Format == JSON {
		b = harmlessJSON(b)
	}
	_, err := p.Out.Write(b)
	return err
}

func (p *Printer) append(b []byte, title string, v any, page bool) []byte {
	m, isMap := v.(*value.Map)
	empty := isMap && m.Len() == 0
	switch p.Format {
	case JSON:
		if !empty {
			b = append(value.JSON{Indent: 4}.Append(b, v), '\n')
		}
	case YAML:
		if !empty {
			b = AppendYAML(b, v)
		}
	case YAMLStream:
		if !empty || page {
			b = yamlout.Append(b, []any{v})
		}
	case Text:
		b = AppendText(b, v)
	case Table:
		b = AppendTable(b, title, v, p.Color, p.TerminalWidth)
	}
	return b
}

// AppendYAML appends a document as YAML. A scalar is written as JSON, because YAML would
// end it with a line of its own.
func AppendYAML(b []byte, v any) []byte {
	if value.Scalar(v) {
		return append(value.JSON{}.Append(b, v), '\n')
	}
	return yamlout.Append(b, v)
}
