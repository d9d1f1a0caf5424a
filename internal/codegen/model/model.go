// Package model reads an API from the JSON form of a Smithy model.
//
// The reader is strict: a shape kind, trait or trait member that it does not know is an
// error that names it, because a generator that skips unknown parts of a model writes
// wrong code without an error.
package model

import "strings"

// ID is the absolute name of a shape, such as "com.amazonaws.lambdamicrovms#Hooks".
type ID string

// Name returns the ID without its namespace.
func (id ID) Name() string { return string(id[strings.IndexByte(string(id), '#')+1:]) }

// Kind is the kind of a shape.
type Kind string

// The kinds of shapes that the reader knows.
const (
	Service   Kind = "service"
	Operation Kind = "operation"
	Structure Kind = "structure"
	Union     Kind = "union"
	Enum      Kind = "enum"
	List      Kind = "list"
	Map       Kind = "map"
	String    Kind = "string"
	Boolean   Kind = "boolean"
	Integer   Kind = "integer"
	Long      Kind = "long"
	Double    Kind = "double"
	Timestamp Kind = "timestamp"
	// Unit is the prelude's shape without members: the output of an operation without
	// one, the value of a union member without one.
	Unit Kind = "unit"
)

// Model is a whole API: one service and the shapes that it uses.
type Model struct {
	Service *Shape
	Shapes  map[ID]*Shape
}

// Shape is one shape. Which fields are set depends on its kind.
type Shape struct {
	ID     ID
	Kind   Kind
	Traits Traits

	Members []*Member // structure, union, enum; in the order of the file
	Element *Member   // list
	Key     *Member   // map
	Value   *Member   // map

	Version    string   // service
	Operations []*Shape // service; in the order of the file
	Input      *Shape   // operation; Unit if there is none
	Output     *Shape   // operation; Unit if there is none
	Errors     []*Shape // service, operation
}

// Member is a member of a shape.
type Member struct {
	Name   string
	Target *Shape
	Traits Traits
}

// Traits are the traits of a shape or a member.
type Traits struct {
	Documentation string
	Title         string

	Required         bool
	Sensitive        bool
	IdempotencyToken bool
	ReadOnly         bool
	Length           *Bounds
	Range            *Bounds
	Pattern          string
	EnumValue        string

	ErrorFault  string // "client" or "server"
	HTTPStatus  int
	HTTP        *HTTP
	HTTPLabel   bool
	HTTPQuery   string
	HTTPHeader  string
	Paginated   *Paginated
	Waiters     []*Waiter
	Service     *ServiceInfo
	SigningName string
	RestJSON1   bool
}

// Bounds are the limits of a length or a range; nil is no limit.
type Bounds struct {
	Min *int64 `json:"min"`
	Max *int64 `json:"max"`
}

// HTTP is the method, path and status of an operation.
type HTTP struct {
	Method string `json:"method"`
	URI    string `json:"uri"`
	Code   int    `json:"code"`
}

// Paginated names the members by which an operation lists pages.
type Paginated struct {
	InputToken  string `json:"inputToken"`
	OutputToken string `json:"outputToken"`
	PageSize    string `json:"pageSize"`
	Items       string `json:"items"`
}

// ServiceInfo has the names of the service in AWS.
type ServiceInfo struct {
	SDKID                 string `json:"sdkId"`
	ARNNamespace          string `json:"arnNamespace"`
	CloudTrailEventSource string `json:"cloudTrailEventSource"`
	EndpointPrefix        string `json:"endpointPrefix"`
}

// Waiter is a condition to wait for by polling an operation. Delays are in seconds.
type Waiter struct {
	Name          string
	Documentation string     `json:"documentation"`
	Acceptors     []Acceptor `json:"acceptors"`
	MinDelay      float64    `json:"minDelay"`
	MaxDelay      float64    `json:"maxDelay"`
}

// Acceptor is the meaning of one outcome of a poll. The reader knows two kinds of
// matchers: an error type, and a member of the output that equals a string.
type Acceptor struct {
	State   string  `json:"state"`
	Matcher Matcher `json:"matcher"`
}

// Matcher is the condition of an Acceptor.
type Matcher struct {
	ErrorType string       `json:"errorType"`
	Output    *OutputMatch `json:"output"`
}

// OutputMatch compares the string at a path of the output.
type OutputMatch struct {
	Path       string `json:"path"`
	Expected   string `json:"expected"`
	Comparator string `json:"comparator"`
}
