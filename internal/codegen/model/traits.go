package model

import "encoding/json"

// traits reads the traits of a shape or member. It also lists the traits that do not
// affect generated code, so that an unknown trait is an error.
func (r *reader) traits(t *Traits, where string, data json.RawMessage) {
	for _, f := range r.object(where, data) {
		where := where + " " + f.key
		switch f.key {
		case "smithy.api#documentation":
			t.Documentation = r.text(where, f.value)
		case "smithy.api#title":
			t.Title = r.text(where, f.value)
		case "smithy.api#required":
			t.Required = true
		case "smithy.api#sensitive":
			t.Sensitive = true
		case "smithy.api#idempotencyToken":
			t.IdempotencyToken = true
		case "smithy.api#length":
			t.Length = new(Bounds)
			r.decode(where, f.value, t.Length)
		case "smithy.api#range":
			t.Range = new(Bounds)
			r.decode(where, f.value, t.Range)
		case "smithy.api#pattern":
			t.Pattern = r.text(where, f.value)
		case "smithy.api#enumValue":
			t.EnumValue = r.text(where, f.value)
		case "smithy.api#error":
			t.ErrorFault = r.text(where, f.value)
		case "smithy.api#httpError":
			r.decode(where, f.value, &t.HTTPStatus)
		case "smithy.api#http":
			t.HTTP = &HTTP{Code: 200}
			r.decode(where, f.value, t.HTTP)
		case "smithy.api#httpLabel":
			t.HTTPLabel = true
		case "smithy.api#readonly":
			t.ReadOnly = true
		case "smithy.api#httpQuery":
			t.HTTPQuery = r.text(where, f.value)
		case "smithy.api#httpHeader":
			t.HTTPHeader = r.text(where, f.value)
		case "smithy.api#paginated":
			t.Paginated = new(Paginated)
			r.decode(where, f.value, t.Paginated)
		case "smithy.waiters#waitable":
			for _, w := range r.object(where, f.value) {
				waiter := &Waiter{Name: w.key, MinDelay: 2, MaxDelay: 120}
				r.decode(where+" "+w.key, w.value, waiter)
				r.checkWaiter(where+" "+w.key, waiter)
				t.Waiters = append(t.Waiters, waiter)
			}
		case "aws.api#service":
			t.Service = new(ServiceInfo)
			r.decode(where, f.value, t.Service)
		case "aws.auth#sigv4":
			var v struct {
				Name string `json:"name"`
			}
			r.decode(where, f.value, &v)
			t.SigningName = v.Name
		case "aws.protocols#restJson1":
			t.RestJSON1 = true
		case "smithy.api#default", // documentation: the service fills defaults in, the client never does
			"smithy.api#input", "smithy.api#output", // every operation has shapes of its own, checked by the plan
			"smithy.api#idempotent", // says nothing that a caller's code depends on
			"smithy.api#retryable":  // the retryers of the AWS SDK decide by error code and status
		default:
			r.errorf("unknown trait %s", where)
		}
	}
}

func (r *reader) checkWaiter(where string, w *Waiter) {
	if len(w.Acceptors) == 0 {
		r.errorf("%s: no acceptors", where)
	}
	for i, a := range w.Acceptors {
		switch a.State {
		case "success", "failure", "retry":
		default:
			r.errorf("%s: acceptor %d: unknown state %q", where, i, a.State)
		}
		switch m := a.Matcher; {
		case (m.ErrorType == "") == (m.Output == nil):
			r.errorf("%s: acceptor %d: neither or both of errorType and output", where, i)
		case m.Output != nil && m.Output.Comparator != "stringEquals":
			r.errorf("%s: acceptor %d: unknown comparator %q", where, i, m.Output.Comparator)
		}
	}
}
