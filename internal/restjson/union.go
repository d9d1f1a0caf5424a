package restjson

// A union is an object with exactly one member that is not null. In Go it is
// an interface, and its members are Encoders that write the whole object.

// UnionField writes a union member.
func UnionField(w *Writer, name string, v any) {
	if w.set(name, v != nil) {
		Union(w, v)
	}
}

// Unions writes a member that is a list of unions; a nil one is null.
func Unions[E any](w *Writer, name string, v []E) {
	List(w, name, v, func(w *Writer, e E) { Union(w, e) })
}

// Union writes a union; nil is null.
func Union(w *Writer, v any) {
	switch v := v.(type) {
	case nil:
		w.Null()
	case Encoder:
		v.EncodeJSON(w)
	default:
		w.fail("union member of an unknown type")
	}
}

// NextSet goes to the member of a union that is set, in place of Next: members
// that are null do not count, nor does a "__type", which AWS services may send
// beside it. It keeps the name in tag, which is "" at first; that another member
// was set before is an error.
func (r *Reader) NextSet(tag *string) bool {
	for r.Next() {
		switch {
		case r.IsNull():
		case r.key == "__type" && !r.Strict:
			r.Skip()
		case r.key == "":
			r.typeError(r.pos, "union member without a name")
			return false
		case *tag != "" && *tag != r.key:
			r.typeError(r.pos, "more than one member set in a union")
			return false
		default:
			*tag = r.key
			return true
		}
	}
	return false
}

// UnknownValue returns a copy of the JSON text of a union member that nobody
// knows. In a strict read it is the error of Unknown.
func (r *Reader) UnknownValue() []byte {
	if r.Strict {
		r.Unknown()
		return nil
	}
	return []byte(r.RawValue())
}

// UnmarshalUnion reads data, which it copies, into one member of a union,
// given how to read the union. That another member is set is an error; null
// and a union without a member do nothing. It is for UnmarshalJSON methods.
func UnmarshalUnion[U, M any](data []byte, v *M, decode func(*Reader) U) error {
	r := NewReader(string(data))
	union := any(decode(r))
	if err := r.End(); err != nil {
		return err
	}
	switch member, ok := union.(*M); {
	case ok:
		*v = *member
	case union != nil:
		r.typeError(0, "another member of the union is set")
	}
	return r.Err()
}
