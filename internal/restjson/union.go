package restjson

import "slices"

// A union is an object with exactly one member that is not null. In Go it is an
// interface. Each member type is an Encoder that writes the whole object.

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

// NextSet moves to the member of a union that is set and stores its name in tag, which
// must be "" at first. The names of the model are in known. Call it instead of Next.
//
//   - Members that are null do not count, nor does a "__type", which AWS services may
//     send beside the member.
//   - Two known members are an error.
//   - An unknown member beside a known one is skipped, so that a union to which the
//     service adds members can still be read. A lone unknown one is a member like any
//     other; of several the first counts. In StrictJSON they are errors.
func (r *Reader) NextSet(tag *string, known ...string) bool {
	for r.Next() {
		if r.IsNull() {
			continue
		}
		if slices.Contains(known, r.key) || r.fold(known) {
			if *tag != r.key && slices.Contains(known, *tag) {
				r.typeError(r.pos, "more than one member set in a union")
				return false
			}
			*tag = r.key
			return true
		}
		if r.Mode == StrictJSON {
			r.nameError(unknownMember(r.key, known))
			return false
		}
		r.noteUnknown()
		if *tag == "" && r.key != "" && r.key != "__type" {
			*tag = r.key
			return true
		}
		r.Skip()
	}
	return false
}

// UnknownValue returns a copy of the JSON text of an unknown union member.
func (r *Reader) UnknownValue() []byte { return []byte(r.RawValue()) }

// UnmarshalUnion reads a copy of data into v, one member of a union; decode reads the
// union. It fails if another member is set. Null and a union without a member leave v
// alone. It is for UnmarshalJSON methods.
func UnmarshalUnion[U, M any](data []byte, v *M, decode func(*Reader) U) error {
	r := NewReader(string(data))
	r.Mode = JSON
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
