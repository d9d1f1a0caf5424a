// Package restjson writes and reads the JSON of the AWS restJson1 protocol.
//
// A [Writer] appends to one buffer. A [Reader] makes one pass over one string and returns
// substrings of it. Neither uses reflection, a tree of interface values or a table built
// at program start: the generated methods EncodeJSON and DecodeJSON of each shape have
// one line for each member.
//
// Errors are sticky. The methods of shapes need not check them; the outermost caller
// checks Err or End once. Values written or read after an error are meaningless.
//
// Strings that a Reader returns share memory with the document, and pointers share memory
// with pointers to other values. This makes decoding cheap, but keeping a single member
// keeps the whole document alive.
package restjson

// An Encoder can write itself as one JSON value.
type Encoder interface {
	EncodeJSON(*Writer)
}

// A Decoder can read itself from one JSON value. Members that the value lacks stay as
// they are; members that are null are cleared.
type Decoder interface {
	DecodeJSON(*Reader)
}

// maxDepth limits how deep objects and arrays may be nested, so that a hostile document
// cannot exhaust the goroutine's stack.
const maxDepth = 1000
