// Package plan decides everything about the generated code that is not its text: which Go types there are, what each
// thing is called, what is a pointer, in which order members stand, which constraint holds where. The printers of package
// emit only write it down. Whatever cannot be decided, a name that two things would bear for one, is an error here.
package plan

import (
	"github.com/microvm-go/lambdamicrovms/internal/codegen/model"
)

// Config is what the model does not say.
type Config struct {
	Module  string      // import path of the root package
	Package string      // name of the root package
	Rename  [][2]string // rewrites in Go names, for example "Microvm" to "MicroVM"
}

// Plan is the whole generated code, decided.
type Plan struct {
	Config
	ServiceID   string // sdkId of the service
	SigningName string // that requests are signed for
	APIVersion  string

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
	ReadOnly  bool // the model says that it changes nothing
	Returns   bool // the model requires members of the output's body
	Input     *Struct
	Output    *Struct
	Errors    []*Struct
	Token     *Member   // idempotency token, or nil
	Queries   []*Member // by name in the query
	Body      bool      // a member travels in the body
	Paginator *Paginator
	Waiters   []*Waiter
}

// Segment is a part of a path: a literal, or the label of a member.
type Segment struct {
	Literal string
	Label   *Member
}

// Role is what a structure is used for.
type Role int

// The roles of structures. Inputs and outputs belong to one operation and stand in the root package.
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
	Members  []*Member // as they stand in Go: required ones first, then by name
	Encoded  []*Member // as they stand in JSON: by wire name
	Secret   bool      // holds a sensitive value, directly or below
	Fault    string    // error: "client" or "server"
	Status   int       // error: HTTP status
	Checked  bool      // an input, or reached from one: it has a validator
	Sent     bool      // a value that inputs hold

	shape *model.Shape
}

// Location is where a member travels.
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
	WireNames []string // the JSON names that decode into it, its own first
	HTTPName  string   // in the query, or in the header of an error
	Check     *Check   // constraints beyond being required
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

// Outcome says what an answer means: either a value of the state or an error code is set. The first that fits counts.
type Outcome struct {
	State  string // success, failure, retry
	Equals string
	Error  string
}
