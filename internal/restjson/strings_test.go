package restjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// Each special byte, at each place of a word and around its borders.
func TestStringBytesAtEveryPlace(t *testing.T) {
	for length := 1; length <= 2*wordSize+1; length++ {
		for place := range length {
			for c := range 256 {
				b := []byte(strings.Repeat("x", length))
				b[place] = byte(c)
				s := string(b)

				want := stdString(t, s)
				var w Writer
				w.String(s)
				if got := string(w.Bytes()); got != want {
					t.Fatalf("String(%q) = %s, want %s", s, got, want)
				}

				// Unescaped between quotes the byte may be valid or not.
				src := `"` + s + `"`
				var std string
				stdErr := json.Unmarshal([]byte(src), &std)
				r := NewReader(src)
				got := r.String()
				if err := r.End(); (err == nil) != (stdErr == nil) || err == nil && got != std {
					t.Fatalf("reading %q gives %q and error %v, want %q and %v", src, got, err, std, stdErr)
				}
			}
		}
	}
}

func TestReadString(t *testing.T) {
	tests := []struct{ src, want string }{
		{`""`, ""},
		{`"plain"`, "plain"},
		{`"\"\\\/\b\f\n\r\t"`, "\"\\/\b\f\n\r\t"},
		{`"\u0041\u00e9\u65E5"`, "Aé日"},
		{`"\u0000"`, "\x00"},
		{`"\ud83d\ude00"`, "😀"},
		{`"\uD83D\uDE00!"`, "😀!"},
		{`"\ud83d"`, "\ufffd"},
		{`"\ude00"`, "\ufffd"},
		{`"\ud83dx"`, "\ufffdx"},
		{`"\ud83d\n"`, "\ufffd\n"},
		{`"\ud83d\u0041"`, "\ufffdA"},
		{`"\ud83d\ud83d\ude00"`, "\ufffd😀"},
		{`"\ude00\ud83d"`, "\ufffd\ufffd"},
		{`"\ufffd"`, "\ufffd"},
		{"\"\xff\"", "\ufffd"},
		{"\"\xff\xfe\"", "\ufffd\ufffd"},
		{"\"a\xc3\"", "a\ufffd"},
		{"\"\xed\xa0\x80\"", "\ufffd\ufffd\ufffd"},
		{"\"é日😀\"", "é日😀"},
		{"\"é\\u00e9\xff\"", "éé\ufffd"},
		{"\"\x7f\"", "\x7f"},
		{" \t\r\n\"a\" \t\r\n", "a"},
		{`null`, ""},
	}
	for _, test := range tests {
		r := NewReader(test.src)
		got := r.String()
		if err := r.End(); err != nil || got != test.want {
			t.Errorf("%s reads as %q with error %v, want %q", test.src, got, err, test.want)
		}
	}
}

func TestPlainStringsAreNotCopied(t *testing.T) {
	src := `{"a plain name": "a plain string, é and 日本語 too"}`
	var r Reader
	allocs := testing.AllocsPerRun(100, func() {
		r.Reset(src)
		for r.Object(); r.Next(); {
			_ = r.Key()
			_ = r.String()
		}
	})
	if allocs != 0 || r.End() != nil {
		t.Errorf("%v allocations and error %v, want none", allocs, r.Err())
	}
}

func TestIsPlain(t *testing.T) {
	for c := range byte(utf8.RuneSelf) {
		for _, s := range []string{string(rune(c)), "in a longer text " + string(rune(c)) + " and after it"} {
			var w Writer
			w.String(s)
			if want := string(w.Bytes()) == `"`+s+`"`; IsPlain(s) != want {
				t.Errorf("IsPlain(%q) is %t", s, !want)
			}
		}
	}
	if IsPlain("line\u2028") || IsPlain("\xff") || !IsPlain("") {
		t.Error("a text that is not ASCII is plain, or an empty one is not")
	}
}
