// Package restjson writes and reads the JSON of the AWS restJson1 protocol.
//
// A [Writer] appends to one buffer; a [Reader] goes once over one string and
// cuts the members out of it. Both know nothing of Go types: a shape says in
// EncodeJSON and DecodeJSON, one line a member, how it is written and read.
// There is no reflection, no interface{} tree and no table built at start.
//
// Errors are sticky. A shape's methods need not look at them; whoever began
// the work asks Err or End once. A value that was written or read after an
// error means nothing.
//
// Strings that a Reader returns share memory with the string it reads, and
// pointers it returns share memory with their neighbours. Decoding is cheap
// for it, but one member that is kept keeps the whole document alive.
package restjson

// An Encoder writes itself as one JSON value.
type Encoder interface {
	EncodeJSON(*Writer)
}

// A Decoder reads itself from one JSON value. It leaves members alone that
// the value does not have, and clears those that are null.
type Decoder interface {
	DecodeJSON(*Reader)
}

// maxDepth is how deep objects and arrays may be nested in what is read. The
// limit keeps a hostile document from exhausting the goroutine's stack.
const maxDepth = 1000
