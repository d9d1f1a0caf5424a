// Package plan decides everything about the generated code but its text: the Go types,
// all names, which members are pointers, the order of members, and the constraints of
// each value. Package emit only prints the plan. A problem, such as two things with the
// same name, is an error here.
package plan

import (
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
)

// Config has the settings that are not in the model.
type Config struct {
	Module  string      // import path of the root package
	Package string      // name of the root package
	Rename  [][2]string // rewrites in Go names, for example "Microvm" to "MicroVM"
}

// Plan has all decisions about the generated code.
type Plan struct {
	Config
	ServiceID      string // sdkId of the service
	SigningName    string // service name in signatures
	EndpointPrefix string // first label of the service's host names
	APIVersion     string

	Operations []*Operation // by name
	Structs    []*Struct    // package types, by name
	Enums      []*Enum      // by name
	Unions     []*Union     // by name
	Errors     []*Struct    // package types, by name
	Rules      []*Rule      // constraints that validators name, by name
}

// Operation is one call of the API.
type Operation struct {
	Wire, Go  string
	Doc       string
	Method    string
	URI       string
	Path      []Segment
	Status    int  // of success
	ReadOnly  bool // the operation changes nothing, according to the model
	Returns   bool // the model requires members of the output's body
	Input     *Struct
	Output    *Struct
	Errors    []*Struct
	Token     *Member   // idempotency token, or nil
	Queries   []*Member // by name in the query
	Body      bool      // some member is in the body
	Paginator *Paginator
	Waiters   []*Waiter
}

// Segment is a part of a path: a literal, or the label of a member.
type Segment struct {
	Literal string
	Label   *Member
}

// Role is the use of a structure.
type Role int

// The roles of structures. Inputs and outputs belong to one operation and are in the root
// package.
const (
	Value Role = iota
	Input
	Output
	Error
)

// Struct is a Go struct.
type Struct struct {
	Wire, Go string
	Doc      string
	Role     Role
	Members  []*Member // in Go order: required ones first, then by name
	Encoded  []*Member // in JSON order: by wire name
	Secret   bool      // contains a sensitive value, at any depth
	Fault    string    // error: "client" or "server"
	Status   int       // error: HTTP status
	Checked  bool      // an input or a part of one, with constraints: it has a validator
	Sent     bool      // part of an input

	shape *model.Shape
}

// Location is the place of a member in a request or response.
type Location int

// The locations of members.
const (
	Body Location = iota
	Label
	Query
	Header
)

// Member is a field of a struct.
type Member struct {
	Wire, Go  string
	Doc       string
	Type      *Type
	Required  bool
	Pointer   bool
	Location  Location
	WireNames []string // the JSON names that are decoded into it, its own first
	HTTPName  string   // in the query, or in the header of an error
	Check     *Check   // constraints besides being required
}

// Kind is the form of a Go type.
type Kind int

// The kinds of types.
const (
	String Kind = iota
	EnumKind
	Bool
	Int32
	Int64
	Float64
	Time
	StructKind
	UnionKind
	List
	Map
)

// Type is the type of a member or element.
type Type struct {
	Kind   Kind
	Elem   *Type // list element, map value
	Enum   *Enum
	Struct *Struct
	Union  *Union
	Secret bool // the string itself is sensitive

	shape *model.Shape
}

// Enum is an open set of strings.
type Enum struct {
	Go      string
	Doc     string
	Values  []EnumValue
	Checked bool // an input reaches it
}

// EnumValue is one constant of an Enum.
type EnumValue struct {
	Go, Value, Doc string
}

// Union is an interface with one struct for each alternative.
type Union struct {
	Go      string
	Doc     string
	Members []*UnionMember // by name
	Secret  bool
	Checked bool // an input reaches it

	shape *model.Shape
}

// UnionMember is one alternative of a Union.
type UnionMember struct {
	Wire, Go string // Go is the whole name of the struct, such as LoggingMemberDisabled
	Doc      string
	Type     *Type
	Check    *Check
}

// Paginator is a list in pages.
type Paginator struct {
	Token, Size *Member // of the input; Size may be nil
	Next, Items *Member // of the output
}

// Waiter polls an operation.
type Waiter struct {
	Wire               string
	Go                 string // without the suffix Waiter
	Doc                string
	MinDelay, MaxDelay float64 // seconds
	State, Reason      *Member // of the output; Reason may be nil
	Outcomes           []Outcome
}

// Outcome is the meaning of a poll's result. Either Equals, a state, or Error, an error
// code, is set. The first match counts.
type Outcome struct {
	State  string // success, failure, retry
	Equals string
	Error  string
}
