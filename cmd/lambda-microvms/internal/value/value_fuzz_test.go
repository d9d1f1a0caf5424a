package value

import "testing"

func FuzzReadJSON(f *testing.F) {
	f.Add(`{"a": [1, 2.5, "x\u00e9", null, true]}`)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ReadJSON(text)
		if err != nil {
			return
		}
		again, err := ReadJSON(string(Compact(v)))
		if err != nil || Repr(again) != Repr(v) {
			t.Errorf("%q: %s, then %s, %v", text, Repr(v), Repr(again), err)
		}
	})
}
