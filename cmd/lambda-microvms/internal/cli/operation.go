package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/params"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/skeleton"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// The values of --generate-cli-skeleton.
const (
	skeletonInput     = "input"
	skeletonYAMLInput = "yaml-input"
	skeletonOutput    = "output"
)

// grammar returns the options of an operation. Required ones are optional where a
// document may hold them.
func grammar(op *api.Operation, args []string) *argparse.Grammar {
	optional := false
	for i, arg := range args {
		name, v, explicit := strings.Cut(arg, "=")
		if !explicit && i+1 < len(args) {
			v = args[i+1]
		}
		switch name {
		case "--cli-input-json", "--cli-input-yaml":
			optional = true
		case "--generate-cli-skeleton":
			optional = optional || v != skeletonOutput
		}
	}
	g := new(argparse.Grammar)
	for i := range op.Input.Members {
		m := &op.Input.Members[i]
		o := argparse.Option{Name: m.Option, Required: m.Required && !m.Token && !optional, Kind: m.Shape.Kind.String(), Doc: m.Doc}
		switch m.Shape.Kind {
		case api.List:
			o.Arity = argparse.Many
		case api.Boolean:
			o.Arity = argparse.Flag
			g.Options = append(g.Options, argparse.Option{Name: "no-" + m.Option, Arity: argparse.Flag})
		}
		g.Options = append(g.Options, o)
	}
	if op.Paginator != nil {
		g.Options = append(g.Options,
			argparse.Option{Name: "starting-token"},
			argparse.Option{Name: "page-size", Int: true},
			argparse.Option{Name: "max-items", Int: true})
	}
	g.Options = append(g.Options,
		argparse.Option{Name: "cli-input-json", Doc: "Reads the input from a JSON document. Options on the command line override its members."},
		argparse.Option{Name: "cli-input-yaml", Doc: "Reads the input from a YAML document, like --cli-input-json."},
		argparse.Option{
			Name: "generate-cli-skeleton", Arity: argparse.Optional, Const: skeletonInput,
			Choices: []string{skeletonInput, skeletonYAMLInput, skeletonOutput},
		})
	return g
}

// runOperation runs the command of an operation.
func (s *Session) runOperation(ctx context.Context, op *api.Operation) error {
	pages, err := s.paging(op)
	if err != nil {
		return err
	}
	input, err := s.Input(op)
	if err != nil {
		return err
	}
	switch s.Args.Value("generate-cli-skeleton") {
	case skeletonInput:
		_, err := s.Stdout.Write(append(value.JSON{Indent: 4}.Append(nil, skeleton.Input(op.Input)), '\n'))
		return OutputError(err)
	case skeletonYAMLInput:
		_, err := s.Stdout.Write(skeleton.InputYAML(op.Input))
		return OutputError(err)
	case skeletonOutput:
		if err := params.Validate(op.Input, input); err != nil {
			return err
		}
		return s.Print(op.Name, skeleton.Output(op.Output))
	}
	if pages != nil && pages.manual(input) {
		if err := s.noPagingOptions(); err != nil {
			return err
		}
		pages = nil
	}
	if pages != nil {
		pages.prepare(input)
	}
	client, err := s.Client(ctx)
	if err != nil {
		return err
	}
	if hasMap(op.Output) {
		s.responses.wire = new(bytes.Buffer)
	}
	call := func(input *value.Map) (*value.Map, error) {
		if err := params.Validate(op.Input, input); err != nil {
			return nil, err
		}
		s.Debugf("calling %s with the members %s", op.Name, strings.Join(input.Names(), ", "))
		text, err := op.Call(ctx, client, value.Compact(input))
		if err != nil {
			return nil, s.OperationError(ctx, op, err)
		}
		document, err := s.response(op.Output, text)
		if wire := s.responses.wire; wire != nil && err == nil {
			if sent, err := value.ReadJSON(wire.String()); err == nil {
				orderMaps(op.Output, document, sent)
			}
		}
		return document, err
	}
	if pages != nil {
		return s.printPages(op, pages, input, call)
	}
	document, err := call(input)
	if err != nil {
		return err
	}
	return s.Print(op.Name, document)
}

// OperationError returns the error of a call. A value that cannot be part of a path is
// refused when the request is made: the error names its option.
func (s *Session) OperationError(ctx context.Context, op *api.Operation, err error) error {
	var serialization *smithy.SerializationError
	if errors.As(err, &serialization) {
		field, reason, _ := strings.Cut(serialization.Err.Error(), " ")
		for i := range op.Input.Members {
			if m := &op.Input.Members[i]; strings.EqualFold(m.Name, field) {
				return fault.Parameter(m.Option, "%s", reason)
			}
		}
	}
	return s.CallError(ctx, err)
}

// Input makes the input of the options, and of the document of --cli-input-json or -yaml.
func (s *Session) Input(op *api.Operation) (*value.Map, error) {
	input := new(value.Map)
	for i := range op.Input.Members {
		m := &op.Input.Members[i]
		switch {
		case m.Shape.Kind == api.Boolean && s.Args.Has(m.Option):
			input.Set(m.Name, true)
		case m.Shape.Kind == api.Boolean && s.Args.Has("no-"+m.Option):
			input.Set(m.Name, false)
		case s.Args.Has(m.Option):
			v, err := params.Unpack(m, s.Args.Values(m.Option))
			if err != nil {
				return nil, err
			}
			input.Set(m.Name, v)
		}
	}
	document, err := s.document()
	if err != nil || document == nil {
		return input, err
	}
	for _, m := range document.Members() {
		if !input.Has(m.Name) {
			input.Set(m.Name, m.Value)
		}
	}
	return input, nil
}

// document reads --cli-input-json or --cli-input-yaml; nil if there is neither.
func (s *Session) document() (*value.Map, error) {
	name, read, kind := "cli-input-json", value.ReadJSON, "JSON"
	if s.Args.Has("cli-input-yaml") {
		if s.Args.Has(name) {
			return nil, fault.Usage("Only one --cli-input- parameter may be specified.")
		}
		name, read, kind = "cli-input-yaml", params.ReadYAML, "YAML"
	}
	if !s.Args.Has(name) {
		return nil, nil
	}
	text, err := params.Load(s.Args.Value(name))
	if err != nil {
		return nil, fault.Parameter(name, "%s", err)
	}
	v, err := read(text)
	var refused params.YAMLError
	switch {
	case errors.As(err, &refused):
		return nil, fault.Parameter(name, "%s", refused)
	case err != nil:
		s.Debugf("--%s: %s", name, err)
		return nil, fault.Usage("Error parsing parameter '%s': Invalid %s received.", name, kind)
	}
	document, ok := v.(*value.Map)
	if !ok {
		return nil, fault.Parameter(name, "Invalid type: expecting map, received <class '%s'>", value.TypeName(v))
	}
	return document, nil
}

// PrintOutput writes the output of an operation as its command does.
func (s *Session) PrintOutput(op *api.Operation, output json.Marshaler) error {
	text, err := output.MarshalJSON()
	if err != nil {
		return err
	}
	document, err := s.response(op.Output, text)
	if err != nil {
		return err
	}
	return s.Print(op.Name, document)
}

// response reads the response of an operation and gives it the form of the AWS CLI:
// members in the order of the model, and timestamps as text unless the profile has
// cli_timestamp_format = wire.
func (s *Session) response(shape *api.Shape, text []byte) (*value.Map, error) {
	v, err := value.ReadJSON(string(text))
	if err != nil {
		return nil, err
	}
	m, ok := shaped(shape, v, s.settings.get(timestampKey) == wireTimestamps).(*value.Map)
	if !ok {
		m = new(value.Map)
	}
	return m, nil
}

// The key of a profile for the form of timestamps, and its values. The default is the
// first one.
const (
	timestampKey   = "cli_timestamp_format"
	isoTimestamps  = "iso8601"
	wireTimestamps = "wire" // numbers, as the service sends them
)

// checkTimestamps refuses an unknown form of timestamps before anything is sent.
func (s *settings) checkTimestamps() error {
	switch format := s.get(timestampKey); format {
	case "", isoTimestamps, wireTimestamps:
		return nil
	default:
		return fault.Configuration("Configuration", `Unknown cli_timestamp_format value: %s, valid values are "%s" or "%s"`, format, wireTimestamps, isoTimestamps)
	}
}

func shaped(shape *api.Shape, v any, wire bool) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = shaped(shape.Elem, v[i], wire)
		}
	case *value.Map:
		m := new(value.Map)
		if shape.Kind == api.Map {
			for _, member := range v.Members() {
				m.Set(member.Name, shaped(shape.Elem, member.Value, wire))
			}
			return m
		}
		for i := range shape.Members {
			member := &shape.Members[i]
			if part, ok := v.Get(member.Name); ok && part != nil {
				m.Set(member.Name, shaped(member.Shape, part, wire))
			}
		}
		return m
	case int64, float64, *big.Int:
		if shape.Kind == api.Timestamp && !wire {
			return timestamp(value.Float(v))
		}
	}
	return v
}

// Timestamp writes a time as the commands of operations do.
func Timestamp(t time.Time) string { return timestamp(float64(t.UnixMilli()) / 1000) }

// timestamp writes epoch seconds as ISO 8601 in UTC, with microseconds if there are any.
func timestamp(seconds float64) string {
	t := time.UnixMicro(int64(math.Round(seconds * 1e6))).UTC()
	if t.Nanosecond() == 0 {
		return t.Format("2006-01-02T15:04:05+00:00")
	}
	return t.Format("2006-01-02T15:04:05.000000+00:00")
}
