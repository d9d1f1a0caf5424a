package restjson

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// benchDocument returns a document with vars variables of 200 bytes each. The large
// document has 50 and takes about 12 KB; the small one has none.
func benchDocument(vars int) *document {
	doc := &document{
		At: ptr(time.Unix(1756383103, 123e6)), Choice: &choiceText{"s3://bucket/code/artifact.zip"}, Flag: ptr(true),
		Inner: &document{Small: ptr(int32(9000)), Level: "ENABLED"},
		Items: []document{{Small: ptr(int32(2048))}}, Level: "UPDATING", Names: []level{"arn:aws:lambda:eu-west-1::network-connector:internet"},
		Small: ptr(int32(7)), Text: ptr("arn:aws:lambda:eu-west-1:123456789012:microvm-image:an-image-with-a-name"),
		Secret: ptr("arn:aws:iam::123456789012:role/a-role-for-the-build"),
	}
	if vars > 0 {
		doc.Vars = map[string]level{}
		for i := range vars {
			doc.Vars[fmt.Sprintf("VARIABLE_NUMBER_%02d", i)] = level(strings.Repeat("value ", 34)[:200])
		}
	}
	return doc
}

func eachBenchDocument(b *testing.B, run func(b *testing.B, doc *document, src string)) {
	for _, size := range []struct {
		name string
		vars int
	}{{"small", 0}, {"large", 50}} {
		doc := benchDocument(size.vars)
		src, err := Marshal(doc)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(size.name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			run(b, doc, string(src))
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	eachBenchDocument(b, func(b *testing.B, doc *document, _ string) {
		var w Writer
		for range b.N {
			w.Reset()
			doc.EncodeJSON(&w)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	eachBenchDocument(b, func(b *testing.B, _ *document, src string) {
		for range b.N {
			var doc document
			r := NewReader(src)
			doc.DecodeJSON(r)
			if err := r.End(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkSkip(b *testing.B) {
	eachBenchDocument(b, func(b *testing.B, _ *document, src string) {
		var r Reader
		for range b.N {
			r.Reset(src)
			r.Skip()
		}
	})
}

// BenchmarkDecodePage reads a list of 50 structures.
func BenchmarkDecodePage(b *testing.B) {
	page := &document{}
	for range 50 {
		page.Items = append(page.Items, document{At: ptr(time.Unix(1756383103, 123e6)), Level: "CREATED", Text: ptr("arn:aws:lambda:eu-west-1:123456789012:microvm-image:name"), Secret: ptr("name")})
	}
	src, err := Marshal(page)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for range b.N {
		var doc document
		r := NewReader(string(src))
		doc.DecodeJSON(r)
		if err := r.End(); err != nil {
			b.Fatal(err)
		}
	}
}
