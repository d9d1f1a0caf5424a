package fake

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// response is what the server answers, whichever way it travels.
type response struct {
	status int
	header http.Header
	body   []byte
	err    error // that it tells of
}

// accept is the answer of a call that went well.
func (c *call) accept(out restjson.Encoder) *response {
	answered := &response{status: c.operation.success(), header: make(http.Header)}
	if answered.status == http.StatusNoContent {
		return answered
	}
	body, err := c.extra.write(out)
	if err != nil {
		return c.refuse(err)
	}
	answered.header.Set("Content-Type", "application/json")
	answered.body = body
	return answered
}

// success is the status of an operation that went well.
func (o Operation) success() int {
	switch o {
	case CreateMicroVMImage:
		return http.StatusCreated
	case TagResource, UntagResource:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// refuse is the answer of a call that went wrong.
func (c *call) refuse(err error) *response {
	failure := failureOf(err)
	answered := &response{status: failure.status, header: make(http.Header), body: failure.body(), err: failure}
	if failure.html {
		answered.header.Set("Content-Type", "text/html")
		return answered
	}
	answered.header.Set("Content-Type", "application/json")
	answered.header.Set("X-Amzn-Errortype", failure.code)
	if failure.retryAfter != nil {
		answered.header.Set("Retry-After", strconv.Itoa(int(*failure.retryAfter)))
	}
	return answered
}

func (a *response) toClient(r *http.Request) (*http.Response, error) {
	body := a.body
	if r.Method == http.MethodHead {
		body = nil
	}
	return &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        a.header,
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
		Request:       r,
	}, nil
}

func (a *response) toWire(w http.ResponseWriter, _ *http.Request) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have gone: its loss
}

// extras are how an answer differs from its output in the model.
type extras struct {
	members []extra   // after the others
	items   [][]extra // the same for each of the items of a list
	bare    []bare    // in place of members of the output
}

// extra is a member that the model does not have: a string or null.
type extra struct {
	name  string
	value *string
}

// bare is a member that has no nulls for what is not set in it, and is absent if it is nil itself.
type bare struct {
	name  string
	value restjson.Encoder
}

// write writes an output as the service does, with null for members that are not set.
func (e *extras) write(out restjson.Encoder) ([]byte, error) {
	w := &restjson.Writer{ExplicitNulls: true}
	out.EncodeJSON(w)
	if err := w.Err(); err != nil || len(e.members)+len(e.items)+len(e.bare) == 0 {
		return w.Bytes(), err
	}
	amended := &restjson.Writer{ExplicitNulls: true}
	amended.Begin()
	r := restjson.NewReader(string(w.Bytes()))
	for r.Object(); r.Next(); {
		e.member(amended, r.Key(), r)
	}
	writeExtras(amended, e.members)
	amended.End()
	return amended.Bytes(), amended.Err()
}

// member copies a member of the output.
func (e *extras) member(w *restjson.Writer, name string, r *restjson.Reader) {
	if i := slices.IndexFunc(e.bare, func(b bare) bool { return b.name == name }); i >= 0 {
		r.Skip()
		if value := e.bare[i].value; value != nil {
			var inner restjson.Writer
			value.EncodeJSON(&inner)
			w.Key(name)
			w.Raw(inner.Bytes())
		}
		return
	}
	w.Key(name)
	if name != "items" || len(e.items) == 0 {
		w.Raw([]byte(r.RawValue()))
		return
	}
	items := e.items
	restjson.ListValue(w, restjson.ReadList(r, (*restjson.Reader).RawValue), func(w *restjson.Writer, raw string) {
		copyObject(w, raw, items[0])
		items = items[1:]
	})
}

func copyObject(w *restjson.Writer, raw string, more []extra) {
	w.Begin()
	r := restjson.NewReader(raw)
	for r.Object(); r.Next(); {
		w.Key(r.Key())
		w.Raw([]byte(r.RawValue()))
	}
	writeExtras(w, more)
	w.End()
}

func writeExtras(w *restjson.Writer, members []extra) {
	for _, m := range members {
		w.StringField(m.name, m.value)
	}
}
