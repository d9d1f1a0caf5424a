package restjson

import (
	"bytes"
	"sync"
)

// Marshal returns the JSON of v. It is for MarshalJSON methods.
func Marshal(v Encoder) ([]byte, error) {
	w := borrowWriter()
	defer returnWriter(w)
	v.EncodeJSON(w)
	if err := w.Err(); err != nil {
		return nil, err
	}
	return bytes.Clone(w.Bytes()), nil
}

// Unmarshal reads a copy of data into v. Null leaves v alone. After an error v may be
// partly set. Unmarshal is for UnmarshalJSON methods.
func Unmarshal(data []byte, v Decoder) error { return unmarshal(data, v, JSON) }

// UnmarshalStrict is Unmarshal, but unknown members are errors at any depth.
func UnmarshalStrict(data []byte, v Decoder) error { return unmarshal(data, v, StrictJSON) }

func unmarshal(data []byte, v Decoder, mode Mode) error {
	r := NewReader(string(data))
	r.Mode = mode
	if !r.IsNull() {
		v.DecodeJSON(r)
	}
	return r.End()
}

// Larger buffers are not pooled: one large document would occupy memory permanently.
const maxPooledBuffer = 64 << 10

var writers sync.Pool

func borrowWriter() *Writer {
	if w, ok := writers.Get().(*Writer); ok {
		return w
	}
	return new(Writer)
}

func returnWriter(w *Writer) {
	if cap(w.buf) > maxPooledBuffer {
		return
	}
	w.Reset()
	writers.Put(w)
}
