package bench

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func run(b *testing.B, call Call) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if err := call(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	for _, size := range Sizes {
		for _, client := range Clients {
			b.Run(size.String()+"/"+strings.ReplaceAll(client.Name, "/", "."), func(b *testing.B) {
				run(b, client.Call(Setup{HTTP: NewStub(client.Response(size))}, size))
			})
		}
	}
}

func BenchmarkPart(b *testing.B) {
	for _, size := range Sizes {
		for _, part := range Parts {
			b.Run(size.String()+"/"+part.Name, func(b *testing.B) { run(b, part.Call(size)) })
		}
	}
}

func BenchmarkStack(b *testing.B) {
	for _, client := range Clients[:3] {
		b.Run(client.Name, func(b *testing.B) { run(b, client.Least(NewStub("{}"))) })
	}
}

func BenchmarkConstruct(b *testing.B) {
	for _, client := range Clients[:3] {
		b.Run(client.Name, func(b *testing.B) { run(b, Construct(client)) })
	}
}

func BenchmarkRetried(b *testing.B) {
	for _, client := range Clients[:3] {
		b.Run(client.Name, func(b *testing.B) { run(b, Retried(client)) })
	}
}

func BenchmarkFailed(b *testing.B) {
	for _, client := range Clients[:3] {
		b.Run(client.Name, func(b *testing.B) { run(b, Failed(client)) })
	}
}

func BenchmarkPages(b *testing.B) {
	b.Run("call of a poll", func(b *testing.B) { run(b, Plain()) })
	b.Run("waiter", func(b *testing.B) { run(b, Waited()) })
	b.Run("call of a page", func(b *testing.B) { run(b, Listed()) })
	b.Run("paginator", func(b *testing.B) { run(b, Paged()) })
	for _, n := range []int{1, 10, 50} {
		b.Run(fmt.Sprintf("decode/%d", n), func(b *testing.B) { run(b, Page(n)) })
	}
}

// Every client's call succeeds and sends what it should: what is measured is not an
// error.
func TestCalls(t *testing.T) {
	for _, size := range Sizes {
		for _, client := range Clients {
			stub := NewStub(client.Response(size))
			var length int64
			err := client.Call(Setup{HTTP: doer(func(r *http.Request) (*http.Response, error) {
				length = r.ContentLength
				return stub.Do(r)
			})}, size)()
			if err != nil {
				t.Errorf("%s, %s: %v", client.Name, size, err)
			}
			if large := length > 10_000; large != (size == Large) {
				t.Errorf("%s, %s: a body of %d bytes", client.Name, size, length)
			}
		}
	}
}

func TestStubReadsToTheEnd(t *testing.T) {
	body := strings.NewReader("body")
	if _, err := NewStub("{}").Do(&http.Request{Body: io.NopCloser(body)}); err != nil || body.Len() > 0 {
		t.Errorf("%d bytes left, error %v", body.Len(), err)
	}
}
