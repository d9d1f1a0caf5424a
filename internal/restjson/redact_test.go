package restjson

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func secretDocument() document {
	return document{
		Secret:  ptr("hidden"),
		Secrets: map[string]string{"key": "hidden"},
		Choice:  &unknownChoice{"new", []byte(`"hidden"`)},
		Items:   []document{{Secret: ptr("hidden"), Text: ptr("seen")}},
	}
}

const redactedDocument = `{"choice":{"new":"[REDACTED]"},"items":[{"secret":"[REDACTED]","text":"seen"}],` +
	`"secret":"[REDACTED]","secrets":{"key":"[REDACTED]"}}`

func TestFormat(t *testing.T) {
	doc := secretDocument()
	want := "document" + redactedDocument
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%o", "%t", "%5.1f", "%-100v"} {
		if diff := cmp.Diff(want, fmt.Sprintf(format, doc)); diff != "" {
			t.Errorf("%s of a value, difference (-want +got):\n%s", format, diff)
		}
		if diff := cmp.Diff(want, fmt.Sprintf(format, &doc)); diff != "" {
			t.Errorf("%s of a pointer, difference (-want +got):\n%s", format, diff)
		}
		for _, within := range []any{[]document{doc}, map[string]document{"": doc}, struct{ D document }{doc}, &[]document{doc}} {
			if got := fmt.Sprintf(format, within); strings.Contains(got, "hidden") || !strings.Contains(got, want) {
				t.Errorf("%s of a %T is %s, want it to contain %s", format, within, got, want)
			}
		}
	}
}

// A value that cannot be written must not keep the others from being printed.
func TestFormatIgnoresErrors(t *testing.T) {
	doc := document{At: ptr(time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)), Text: ptr("a")}
	if got, want := fmt.Sprint(doc), `document{"at":null,"text":"a"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestLogValue(t *testing.T) {
	tests := []struct {
		name    string
		handler func(*bytes.Buffer, *slog.HandlerOptions) slog.Handler
		want    string
	}{
		{"json", func(b *bytes.Buffer, o *slog.HandlerOptions) slog.Handler { return slog.NewJSONHandler(b, o) },
			`{"doc":` + redactedDocument + `}` + "\n"},
		{"text", func(b *bytes.Buffer, o *slog.HandlerOptions) slog.Handler { return slog.NewTextHandler(b, o) },
			fmt.Sprintf("doc=%q\n", "document"+redactedDocument)},
	}
	onlyAttributes := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, doc := range []any{secretDocument(), ptr(secretDocument())} {
				var b bytes.Buffer
				slog.New(test.handler(&b, onlyAttributes)).Info("", "doc", doc)
				if diff := cmp.Diff(test.want, b.String()); diff != "" {
					t.Errorf("%T, difference (-want +got):\n%s", doc, diff)
				}
			}
		})
	}
	if got := fmt.Sprintf("%v %+v %s", LogValue("", ptr(secretDocument())), secretDocument().LogValue(), LogValue("", &document{})); strings.Contains(got, "hidden") {
		t.Errorf("secret seen in %s", got)
	}
}
