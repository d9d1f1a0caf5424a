package restjson

import "slices"

// Field writes a structure member.
func Field[T any, P interface {
	*T
	Encoder
}](w *Writer, name string, v P) {
	if w.set(name, v != nil) {
		v.EncodeJSON(w)
	}
}

// Structs writes a member that is a list of structures.
func Structs[T any, P interface {
	*T
	Encoder
}](w *Writer, name string, v []T) {
	if !w.set(name, v != nil) {
		return
	}
	w.begin('[')
	for i := range v {
		P(&v[i]).EncodeJSON(w)
	}
	w.end(']')
}

// Strings writes a member that is a list of strings.
func Strings[S ~string](w *Writer, name string, v []S) {
	List(w, name, v, func(w *Writer, s S) { w.String(string(s)) })
}

// StringMap writes a member that is a map of strings.
func StringMap[V ~string](w *Writer, name string, v map[string]V) {
	Map(w, name, v, func(w *Writer, s V) { w.String(string(s)) })
}

// SecretMap writes a member that is a map of strings. Redact replaces the values, not the
// keys.
func SecretMap[V ~string](w *Writer, name string, v map[string]V) {
	Map(w, name, v, func(w *Writer, s V) { w.Secret(string(s)) })
}

// List writes a member that is a list, and calls each to write an element.
func List[E any](w *Writer, name string, v []E, each func(*Writer, E)) {
	if w.set(name, v != nil) {
		ListValue(w, v, each)
	}
}

// Map writes a member that is a map, and calls each to write a value.
func Map[E any](w *Writer, name string, v map[string]E, each func(*Writer, E)) {
	if w.set(name, v != nil) {
		MapValue(w, v, each)
	}
}

// ListValue writes a list, and calls each to write an element; nil is null.
func ListValue[E any](w *Writer, v []E, each func(*Writer, E)) {
	if v == nil {
		w.Null()
		return
	}
	w.begin('[')
	for _, e := range v {
		each(w, e)
	}
	w.end(']')
}

// MapValue writes a map sorted by key, and calls each to write a value; nil is null.
func MapValue[E any](w *Writer, v map[string]E, each func(*Writer, E)) {
	if v == nil {
		w.Null()
		return
	}
	w.Begin()
	base := len(w.keys)
	for key := range v {
		w.keys = append(w.keys, key)
	}
	end := len(w.keys)
	slices.Sort(w.keys[base:end])
	for i := base; i < end; i++ {
		key := w.keys[i]
		w.Key(key)
		each(w, v[key])
	}
	clear(w.keys[base:]) // a pooled Writer must not keep the caller's strings alive
	w.keys = w.keys[:base]
	w.End()
}
