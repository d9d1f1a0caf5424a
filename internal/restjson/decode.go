package restjson

import (
	"maps"
	"slices"
)

// Value reads a structure; null is its zero value.
func Value[T any, P interface {
	*T
	Decoder
}](r *Reader) T {
	var v T
	if !r.IsNull() {
		P(&v).DecodeJSON(r)
	}
	return v
}

// Struct reads a structure; null is nil.
func Struct[T any, P interface {
	*T
	Decoder
}](r *Reader) *T {
	if r.IsNull() {
		return nil
	}
	v := new(T)
	P(v).DecodeJSON(r)
	return v
}

// Enum reads a string as an S; null is "".
func Enum[S ~string](r *Reader) S { return S(r.String()) }

// ReadStructs reads a list of structures. Null is nil, a null element a zero value.
func ReadStructs[T any, P interface {
	*T
	Decoder
}](r *Reader) []T {
	return readList(r, func(r *Reader, v *T) { P(v).DecodeJSON(r) })
}

// ReadStrings reads a list of strings. Null is nil, a null element "".
func ReadStrings[S ~string](r *Reader) []S { return ReadList(r, Enum[S]) }

// ReadStringMap reads a map of strings. Null is nil. A null value removes its key, even
// if an earlier member set it.
func ReadStringMap[V ~string](r *Reader) map[string]V { return ReadMap(r, Enum[V]) }

// ReadList reads a list and calls each to read an element. A null element becomes a zero
// value without a call of each, so that indices do not shift. Null is nil, an empty list
// is not.
func ReadList[E any](r *Reader, each func(*Reader) E) []E {
	return readList(r, func(r *Reader, element *E) { *element = each(r) })
}

// readList reads a list; into decodes an element in place, without a copy.
func readList[E any](r *Reader, into func(*Reader, *E)) []E {
	if r.IsNull() || !r.open(arrayKind) {
		return nil
	}
	list := []E{}
	if r.kind() == endKind {
		r.endList()
		return list
	}
	start := r.pos
	for r.element() {
		var zero E
		list = append(list, zero)
		if !r.IsNull() {
			into(r, &list[len(list)-1])
		}
		if !r.comma() {
			return list
		}
		if len(list) == cap(list) {
			list = slices.Grow(list, r.expect(start, len(list)))
		}
	}
	return nil
}

// ReadMap reads a map and calls each to read a value. A null value removes its key
// without a call of each, even if an earlier member set it. Null is nil, an empty map is
// not.
func ReadMap[E any](r *Reader, each func(*Reader) E) map[string]E {
	if r.IsNull() {
		return nil
	}
	m := map[string]E{}
	start, full := r.pos, smallMap
	for r.Object(); r.Next() && r.element(); {
		key := r.Key()
		if r.IsNull() {
			delete(m, key)
			continue
		}
		if len(m) == full {
			larger := make(map[string]E, full+r.expect(start, full))
			maps.Copy(larger, m)
			m, full = larger, full*growth
		}
		m[key] = each(r)
	}
	return m
}

const (
	smallMap = 8 // a map of this size needs a single allocation
	growth   = 8 // a list or map grows at most by this factor
)

// expect estimates how many elements follow the n that were read since start: as many as
// fit in the rest of the document if they are as long, within bounds. Allocating for them
// at once saves most copies of a growing list or map.
func (r *Reader) expect(start, n int) int {
	size := (r.pos-start)/n + 1
	return min((len(r.src)-r.pos)/size+1, n*(growth-1), maxElements-r.read)
}

// comma consumes the comma or closing bracket after an element of a list, and reports
// whether another element follows.
func (r *Reader) comma() bool {
	r.pos = skipSpace(r.src, r.pos)
	if r.pos < len(r.src) && r.src[r.pos] == ',' {
		r.pos++
		return true
	}
	r.endList()
	return false
}

func (r *Reader) endList() {
	if bad := expect(r.src, r.pos, ']'); bad != "" {
		r.syntaxError(r.pos, bad)
		return
	}
	r.close()
}
