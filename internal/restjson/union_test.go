package restjson

import "testing"

// AWS services may name the type of a union beside its member.
func TestUnionWithType(t *testing.T) {
	for _, src := range []string{`{"__type":"Choice","text":"a"}`, `{"text":"a","__type":"Choice","number":null}`} {
		r := NewReader(src)
		c := decodeChoice(r)
		if err := r.End(); err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if text, ok := c.(*choiceText); !ok || text.Value != "a" {
			t.Errorf("%s: got %#v", src, c)
		}
	}

	r := NewReader(`{"__type":"Choice"}`)
	r.Mode = StrictJSON
	decodeChoice(r)
	if r.End() == nil {
		t.Error("a strict read took a __type for a member of the model")
	}
}
