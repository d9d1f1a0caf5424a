// Package api describes the operations of the service to the command line: their names,
// options, types, constraints and documentation, generated from the model. The tables are
// static data, so a program start does not pay for them.
package api

import (
	"context"
	"encoding/json"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// Kind is the kind of a Shape.
type Kind uint8

// The kinds of shapes.
const (
	String Kind = iota
	Boolean
	Integer
	Long
	Double
	Timestamp
	Structure
	Union
	List
	Map
)

// String returns the name that validation messages and manual pages use.
func (k Kind) String() string {
	return [...]string{
		"string", "boolean", "integer", "long", "double", "timestamp",
		"structure", "tagged union structure", "list", "map",
	}[k]
}

// Operation is an operation of the service.
type Operation struct {
	Name          string // in the model: GetMicrovm
	Command       string // get-microvm
	Doc           string
	Input, Output *Shape
	Paginator     *Paginator // nil if the operation does not return pages
}

// Paginator names the members that carry pages.
type Paginator struct {
	InputToken, OutputToken, Limit, Items string
}

// Shape is a type of the model with its constraints.
type Shape struct {
	Name           string
	Kind           Kind
	HasMin, HasMax bool
	Min, Max       int64 // of a length for strings, lists and maps; else of the value
	Pattern        string
	Sensitive      bool
	Values         []string // of an enum
	Members        []Member // structure, union; in the order of the model
	Key            *Shape   // map
	Elem           *Shape   // list, map
}

// Member is a member of a structure or union.
type Member struct {
	Name            string // on the wire
	Option          string // without dashes
	Doc             string
	Required, Token bool // Token: filled in at random if absent
	Shape           *Shape
}

// Scalar reports whether values of the shape have no parts.
func (s *Shape) Scalar() bool { return s.Kind < Structure }

// Member returns the member of the name, or nil.
func (s *Shape) Member(name string) *Member {
	for i := range s.Members {
		if s.Members[i].Name == name {
			return &s.Members[i]
		}
	}
	return nil
}

// SensitiveBelow reports whether a value of the shape holds a sensitive one.
func (s *Shape) SensitiveBelow() bool {
	if s.Sensitive || s.Elem != nil && s.Elem.SensitiveBelow() {
		return true
	}
	for i := range s.Members {
		if s.Members[i].Shape.SensitiveBelow() {
			return true
		}
	}
	return false
}

// Find returns the operation of a command, or nil.
func Find(command string) *Operation {
	for i := range Operations {
		if Operations[i].Command == command {
			return &Operations[i]
		}
	}
	return nil
}

// Call calls the operation with an input in JSON, whose members have the names of the
// wire, and returns the output in the same form.
func (o *Operation) Call(ctx context.Context, client *lambdamicrovms.Client, input []byte) ([]byte, error) {
	return invoke(ctx, client, o.Name, input)
}

func call[I any, O json.Marshaler](
	ctx context.Context, method func(context.Context, *I, ...func(*lambdamicrovms.Options)) (O, error), input []byte,
) ([]byte, error) {
	in := new(I)
	if err := any(in).(json.Unmarshaler).UnmarshalJSON(input); err != nil {
		return nil, err
	}
	out, err := method(ctx, in)
	if err != nil {
		return nil, err
	}
	return out.MarshalJSON()
}

// field is a member of an error: a *string or *int32.
type field struct {
	name  string
	value any
}

// Details returns the members of an error that the service declares, in the order of the
// model: strings and int64s. Members that were not sent are left out.
func Details(err error) []fault.Detail {
	var details []fault.Detail
	for _, f := range failure(err) {
		switch v := f.value.(type) {
		case *string:
			if v != nil {
				details = append(details, fault.Detail{Name: f.name, Value: *v})
			}
		case *int32:
			if v != nil {
				details = append(details, fault.Detail{Name: f.name, Value: int64(*v)})
			}
		}
	}
	return details
}
