package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/output"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// errorFormats are the values of --cli-error-format.
var errorFormats = [...]string{"enhanced", "legacy", "json", "yaml", "text", "table"}

// inlineDetails is how many elements a list or map has at most that is shown in a line.
const inlineDetails = 4

// report writes an error on standard error.
func report(w io.Writer, e *fault.Error, format string, color bool, width int) {
	message := e.Message
	if e.Usage != "" && !e.Plain {
		message += "\n\n" + e.Usage
	}
	if e.Plain || e.Code == "" || format == "" || format == "enhanced" || format == "legacy" {
		whole := *e
		whole.Message = message
		text := Program + ": [ERROR]: " + whole.Error()
		if format != "legacy" && !e.Plain {
			text += details(e)
		}
		if e.Usage != "" && e.Plain {
			text = e.Usage + "\n\n" + text
		}
		fmt.Fprintf(w, "\n%s\n", strings.TrimRight(text, "\n"))
		return
	}
	document := value.NewMap(value.Member{Name: "Message", Value: message}, value.Member{Name: "Code", Value: e.Code})
	for _, d := range e.Details {
		document.Set(d.Name, d.Value)
	}
	var b []byte
	switch format {
	case "json":
		b = append(value.JSON{Indent: 4}.Append(b, document), '\n')
	case "yaml":
		b = output.AppendYAML(b, document)
	case "text":
		b = output.AppendText(b, document)
	case "table":
		b = output.AppendTable(b, "error", document, color, width)
	}
	_, _ = w.Write(b)
}

// details lists the members of an error beyond its message.
func details(e *fault.Error) string {
	text, complex := "", false
	for _, d := range e.Details {
		if strings.EqualFold(d.Name, "message") || strings.EqualFold(d.Name, "code") {
			continue
		}
		shown, ok := inline(d.Value)
		complex = complex || !ok
		text += "\n" + d.Name + ": " + shown
	}
	if text == "" {
		return ""
	}
	text = "\n\nAdditional error details:" + text
	if complex {
		text += "\nUse \"--cli-error-format json\" or another error format to see the full details."
	}
	return text
}

func inline(v any) (text string, ok bool) {
	var parts []string
	ok = true
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			ok = ok && value.Scalar(e)
			parts = append(parts, value.Text(e))
		}
		text = "[" + strings.Join(parts, ", ") + "]"
	case *value.Map:
		for _, m := range v.Members() {
			ok = ok && value.Scalar(m.Value)
			parts = append(parts, m.Name+": "+value.Text(m.Value))
		}
		text = "{" + strings.Join(parts, ", ") + "}"
	default:
		return value.Text(v), true
	}
	if !ok || len(parts) > inlineDetails {
		return "<complex value>", false
	}
	return text, true
}
