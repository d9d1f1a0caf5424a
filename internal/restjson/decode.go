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

// ReadStructs reads a list of structures. Null is nil, a null element a zero
// value.
func ReadStructs[T any, P interface {
	*T
	Decoder
}](r *Reader) []T {
	return readList(r, func(r *Reader, v *T) { P(v).DecodeJSON(r) })
}

// ReadStrings reads a list of strings. Null is nil, a null element "".
func ReadStrings[S ~string](r *Reader) []S { return ReadList(r, Enum[S]) }

// ReadStringMap reads a map of strings. Null is nil; a null value removes its
// key, as if neither it nor an earlier member of that name were there.
func ReadStringMap[V ~string](r *Reader) map[string]V { return ReadMap(r, Enum[V]) }

// ReadList reads a list, each element with each, which is not called for a
// null element: that is a zero value, so that indices stay what they are.
// Null is nil, an empty list is not.
func ReadList[E any](r *Reader, each func(*Reader) E) []E {
	return readList(r, func(r *Reader, element *E) { *element = each(r) })
}

// readList reads a list, each element in its place.
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

// ReadMap reads a map, each value with each, which is not called for null: a
// null value removes its key, as if neither it nor an earlier member of that
// name were there. Null is nil, an empty map is not.
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
	smallMap = 8 // entries for which a map needs nothing but its first block
	growth   = 8 // by which a list or map is enlarged at most
)

// expect returns how many elements may follow the n that were read since
// start: as many of their size as the document has room for, within reason.
// It saves most of the copies of a list or map that grows.
func (r *Reader) expect(start, n int) int {
	size := (r.pos-start)/n + 1
	return min((len(r.src)-r.pos)/size+1, n*(growth-1), maxElements-r.read)
}

// comma goes past what follows an element of a list, and reports whether
// another one comes.
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
