package restjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzReaderAgainstEncodingJSON reads a document in three ways, as tokens, as raw text
// and as a structure, and compares each with encoding/json.
func FuzzReaderAgainstEncodingJSON(f *testing.F) {
	for _, seed := range []string{
		``, ` `, `null`, `{}`, `[]`, `0`, `-1.5e+10`, `"a"`, `true`, `false`, `{"a":[1,{"b":null}],"c":"\u00e9\ud83d\ude00\ud83d"}`,
		`{"at":1756383103.25,"choice":{"text":"a"},"choices":[{"number":1},null,{"new":[1]}],"flag":true,"grid":[[1],null],"large":-1}`,
		`{"inner":{"text":"a","inner":null},"items":[{"small":1},null],"level":"x","names":["a",null],"ratio":"NaN","secret":"s"}`,
		`{"secrets":{"a":"b","a":null},"table":{"a":["b"],"c":null},"text":"a","text":null,"vars":{"a":"b","a":"c"},"\u0074ext":"d"}`,
		`{"small":2147483648}`, `{"large":9223372036854775807,"ratio":1e400}`, `{"choice":{"text":"a","number":1}}`,
		`{"choice":{"text":null,"number":1,"":null}}`, `{"choice":{"new":1,"number":1,"old":{}},"choices":[{"a":1,"b":2},{"Text":"a","__type":"T"},{"":0}]}`, "{\"text\":\"\xff\xc3\"}", `{"x":[{"y":[tru`, `[[[[[[[[[[`, `{"a":1,}`, `[1,]`, `01`, `1 2`, "\"\x01\"",
		`{"TEXT":"a","ſmall":1,"text":null,"small":null,"items":[{}],"items":null,"vars":{"A":"b","a":"c","A":null}}`,
		`{"at":-62135596800.5}`, `{"at":1e-10,"ratio":5e-324,"small":-0}`, `{"text":"12345678\"12345678\\","Text":"fold"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var raw json.RawMessage
		stdErr := json.Unmarshal(data, &raw)

		var got []string
		r := NewReader(string(data))
		r.Mode = JSON
		readTokens(r, func(token string) { got = append(got, token) })
		if err := r.End(); isTooDeep(err) {
			return // encoding/json has another limit
		} else if (err == nil) != (stdErr == nil) {
			t.Fatalf("error %v, encoding/json has %v", err, stdErr)
		} else if err != nil {
			checkSyntaxError(t, data, err)
		} else if diff := cmp.Diff(stdTokens(t, data), got); diff != "" {
			t.Fatalf("tokens differ (-encoding/json +got):\n%s", diff)
		}

		r.Reset(string(data))
		text := r.RawValue()
		if err := r.End(); (err == nil) != (stdErr == nil) {
			t.Fatalf("skipping: error %v, encoding/json has %v", err, stdErr)
		} else if err != nil {
			checkSyntaxError(t, data, err)
		} else if want := strings.Trim(string(data), " \t\r\n"); text != want {
			t.Fatalf("raw value %q, want %q", text, want)
		}

		checkDocument(t, data, stdErr)
	})
}

func isTooDeep(err error) bool {
	var target *SyntaxError
	return errors.As(err, &target) && target.Problem == string(badNesting)
}

func checkSyntaxError(t *testing.T, data []byte, err error) {
	t.Helper()
	var raw json.RawMessage
	stdErr := json.NewDecoder(bytes.NewReader(data)).Decode(&raw) // a Decoder, unlike Unmarshal, reports truncated input as io.ErrUnexpectedEOF
	if isEOF := stdErr == io.EOF || stdErr == io.ErrUnexpectedEOF; errors.Is(err, io.ErrUnexpectedEOF) != isEOF {
		t.Fatalf("error %v, encoding/json has %v", err, stdErr)
	}
	var target *SyntaxError
	if !errors.As(err, &target) || target.Offset < 0 || target.Offset > int64(len(data)) || !utf8.ValidString(err.Error()) {
		t.Fatalf("error %#v of a document of %d bytes", err, len(data))
	}
}

// readTokens reads any value and emits it in the notation of stdTokens.
func readTokens(r *Reader, emit func(string)) {
	switch r.kind() {
	case objectKind:
		emit("{")
		for r.Object(); r.Next(); {
			emit("string " + r.Key())
			readTokens(r, emit)
		}
		emit("}")
	case arrayKind:
		emit("[")
		if r.open(arrayKind); r.kind() == endKind {
			r.endList()
		} else {
			readTokens(r, emit)
			for r.comma() {
				readTokens(r, emit)
			}
		}
		emit("]")
	case stringKind:
		emit("string " + r.String())
	case numberKind:
		emit("number " + r.RawValue())
	case booleanKind:
		emit("boolean " + strconv.FormatBool(r.Bool()))
	default:
		if !r.IsNull() {
			r.Skip()
		}
		emit("null")
	}
}

func stdTokens(t *testing.T, data []byte) []string {
	t.Helper()
	var tokens []string
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err == io.EOF {
			return tokens
		}
		if err != nil {
			t.Fatal(err)
		}
		switch v := token.(type) {
		case json.Delim:
			tokens = append(tokens, v.String())
		case string:
			tokens = append(tokens, "string "+v)
		case json.Number:
			tokens = append(tokens, "number "+v.String())
		case bool:
			tokens = append(tokens, "boolean "+strconv.FormatBool(v))
		default:
			tokens = append(tokens, "null")
		}
	}
}

// checkDocument reads data as a document, compares each member with the result of
// encoding/json, and writes the document again.
func checkDocument(t *testing.T, data []byte, stdErr error) {
	t.Helper()
	var got document
	err := Unmarshal(data, &got)
	if stdErr != nil {
		if err == nil {
			t.Fatalf("read what encoding/json cannot: %v", stdErr)
		}
		return
	}
	checkWire(t, data)
	std := stdDocument{mode: JSON, known: true}
	want := std.document(data)
	if (err == nil) != (std.err == nil) {
		t.Fatalf("error %v, encoding/json has %v", err, std.err)
	}
	strictErr := UnmarshalStrict(data, new(document))
	if (strictErr == nil) != (err == nil && std.known) {
		t.Fatalf("strict error %v, error %v, all members known: %t", strictErr, err, std.known)
	}
	if err != nil {
		var target *TypeError
		if !errors.As(err, &target) || target.Offset >= int64(len(data)) || !utf8.ValidString(err.Error()) {
			t.Fatalf("error %#v", err)
		}
		return
	}
	if diff := cmp.Diff(want, got, nanEqualsNaN); diff != "" {
		t.Fatalf("documents differ (-encoding/json +got):\n%s", diff)
	}

	written, err := Marshal(&got)
	if err != nil || !json.Valid(written) {
		t.Fatalf("%s was written with error %v", written, err)
	}
	var again document
	if err := Unmarshal(written, &again); err != nil {
		t.Fatal(err)
	}
	rewritten, err := Marshal(&again)
	if err != nil || !bytes.Equal(written, rewritten) {
		t.Fatalf("%s was written again as %s, error %v", written, rewritten, err)
	}
}

// checkWire reads data as a message of the protocol.
func checkWire(t *testing.T, data []byte) {
	t.Helper()
	r := NewReader(string(data))
	var got document
	got.DecodeJSON(r)
	std := stdDocument{known: true}
	want := std.document(data)
	if err := r.End(); (err == nil) != (std.err == nil) {
		t.Fatalf("wire: error %v, encoding/json has %v", err, std.err)
	} else if err != nil {
		return
	}
	if diff := cmp.Diff(want, got, nanEqualsNaN); diff != "" {
		t.Fatalf("wire: documents differ (-encoding/json +got):\n%s", diff)
	}
	unknown := r.UnknownSettings()
	if std.known != (unknown == nil) {
		t.Fatalf("wire: all members known: %t, yet %t", std.known, unknown == nil)
	}
	if unknown != nil && len(unknown()) == 0 {
		t.Fatal("wire: no unknown member has a path")
	}
}

var nanEqualsNaN = cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })

// A stdDocument reads a document with encoding/json member by member, because
// encoding/json would merge duplicate members.
type stdDocument struct {
	mode  Mode  // Wire or JSON
	known bool  // no unknown member was found
	err   error // the first
}

// fieldOf returns the known name that encoding/json matches with name.
func (s *stdDocument) fieldOf(name string, known ...string) string {
	for _, k := range known {
		if s.mode == JSON && strings.EqualFold(name, k) {
			return k
		}
	}
	return name
}

// members calls each for the members of an object, in order.
func (s *stdDocument) members(data []byte, each func(name string, value []byte)) {
	if isNull(data) {
		return
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if token, _ := d.Token(); token != json.Delim('{') {
		s.fail(fmt.Errorf("%v is not an object", token))
		return
	}
	for d.More() {
		name, err := d.Token()
		s.fail(err)
		var value json.RawMessage
		s.fail(d.Decode(&value))
		if s.mode == JSON || !isNull(value) {
			each(name.(string), value)
		}
	}
}

func (s *stdDocument) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func isNull(data []byte) bool { return string(bytes.TrimSpace(data)) == "null" }

// stdRead reads a value as a T, as encoding/json does.
func stdRead[T any](s *stdDocument, data []byte) T {
	var v T
	s.fail(json.Unmarshal(data, &v))
	return v
}

func stdList[T any](s *stdDocument, data []byte, each func(data []byte) T) []T {
	raws := stdRead[[]json.RawMessage](s, data)
	if raws == nil {
		return nil
	}
	list := make([]T, len(raws))
	for i, raw := range raws {
		if !isNull(raw) {
			list[i] = each(raw)
		}
	}
	return list
}

func stdMap[T any](s *stdDocument, data []byte, each func(data []byte) T) map[string]T {
	if isNull(data) {
		return nil
	}
	m := map[string]T{}
	s.members(data, func(name string, value []byte) {
		if isNull(value) {
			delete(m, name)
		} else {
			m[name] = each(value)
		}
	})
	return m
}

func (s *stdDocument) document(data []byte) document {
	var doc document
	text := func(data []byte) string { return stdRead[string](s, data) }
	named := func(data []byte) level { return stdRead[level](s, data) }
	number := func(data []byte) int32 { return stdRead[int32](s, data) }
	s.members(data, func(name string, value []byte) {
		switch s.fieldOf(name, "at", "choice", "choices", "flag", "grid", "inner", "items", "large", "level", "names", "ratio", "secret", "secrets", "small", "table", "text", "vars") {
		case "at":
			doc.At = s.time(value)
		case "choice":
			doc.Choice = s.choice(value)
		case "choices":
			doc.Choices = stdList(s, value, s.choice)
		case "flag":
			doc.Flag = stdRead[*bool](s, value)
		case "grid":
			doc.Grid = stdList(s, value, func(data []byte) []int32 { return stdList(s, data, number) })
		case "inner":
			doc.Inner = nil
			if !isNull(value) {
				doc.Inner = ptr(s.document(value))
			}
		case "items":
			doc.Items = stdList(s, value, s.document)
		case "large":
			doc.Large = stdRead[*int64](s, value)
		case "level":
			doc.Level = named(value)
		case "names":
			doc.Names = stdList(s, value, named)
		case "ratio":
			doc.Ratio = s.float(value)
		case "secret":
			doc.Secret = stdRead[*string](s, value)
		case "secrets":
			doc.Secrets = stdMap(s, value, text)
		case "small":
			doc.Small = stdRead[*int32](s, value)
		case "table":
			doc.Table = stdMap(s, value, func(data []byte) []string { return stdList(s, data, text) })
		case "text":
			doc.Text = stdRead[*string](s, value)
		case "vars":
			doc.Vars = stdMap(s, value, named)
		default:
			s.unknown(name)
		}
	})
	return doc
}

func (s *stdDocument) choice(data []byte) choice {
	var c choice
	var known string
	s.members(data, func(name string, value []byte) {
		if isNull(value) {
			return
		}
		switch name = s.fieldOf(name, "number", "text"); name {
		case "number", "text":
			if known != "" && known != name {
				s.fail(errors.New("two members"))
			}
			known = name
			if name == "number" {
				c = &choiceNumber{stdRead[int32](s, value)}
			} else {
				c = &choiceText{stdRead[string](s, value)}
			}
		default:
			s.unknown(name)
			if c == nil && name != "" && name != "__type" {
				c = &unknownChoice{name, value}
			}
		}
	})
	return c
}

// unknown records that a member is unknown. In StrictJSON "__type" is unknown, too.
func (s *stdDocument) unknown(name string) {
	if s.mode == JSON || name != "__type" {
		s.known = false
	}
}

func (s *stdDocument) float(data []byte) *float64 {
	if v := stdRead[any](&stdDocument{}, data); v == notANumber || v == positiveInfinity || v == negativeInfinity {
		f, err := strconv.ParseFloat(v.(string), 64)
		s.fail(err)
		return &f
	}
	return stdRead[*float64](s, data)
}

func (s *stdDocument) time(data []byte) *time.Time {
	if isNull(data) {
		return nil
	}
	if kindAt(string(data), 0) != numberKind {
		s.fail(errors.New("not a number"))
		return nil
	}
	t, err := stdTime(string(data))
	s.fail(err)
	return &t
}

// stdTime computes the time of a number with package big.
func stdTime(number string) (time.Time, error) {
	outOfRange := errors.New("out of range")
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	value, ok := new(big.Rat).SetString(mantissa)
	if !ok {
		return time.Time{}, errors.New("not a number")
	}
	if exponent != "" && value.Sign() != 0 {
		n, err := strconv.Atoi(exponent)
		switch limit := len(number) + 20; {
		case n > limit || err != nil && exponent[0] != '-':
			return time.Time{}, outOfRange
		case n < -limit || err != nil:
			n = -limit
		}
		power := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(n, -n))), nil))
		if n < 0 {
			power.Inv(power)
		}
		value.Mul(value, power)
	}
	value.Mul(value, big.NewRat(1e9, 1))
	nanoseconds := new(big.Int).Quo(value.Num(), value.Denom()) // toward zero
	sec, nsec := new(big.Int).DivMod(nanoseconds, big.NewInt(1e9), new(big.Int))
	if !sec.IsInt64() {
		return time.Time{}, outOfRange
	}
	t := time.Unix(sec.Int64(), nsec.Int64()).UTC()
	if t.Before(time.Time{}) || t.Year() > 9999 || sec.Int64() > maxEpoch {
		return time.Time{}, outOfRange
	}
	return t, nil
}

// FuzzStringRoundTrip writes strings and reads them again, and checks that redacted
// output does not contain them.
func FuzzStringRoundTrip(f *testing.F) {
	for _, seed := range []string{"", "a", "12345678", "1234567\"", "\\\n\x00\x1f\x7f", "é\u2028\u2029\ufffd😀", "\xff\xc3\xed\xa0\x80", "<&>", `\u0041`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var w Writer
		w.Begin()
		w.Key(s)
		ListValue(&w, []string{s, s}, (*Writer).String)
		w.End()
		std := stdString(t, s)
		if diff := cmp.Diff("{"+std+":["+std+","+std+"]}", string(w.Bytes())); diff != "" {
			t.Fatalf("written differently (-encoding/json +got):\n%s", diff)
		}

		var want string
		if err := json.Unmarshal([]byte(std), &want); err != nil {
			t.Fatal(err)
		}
		r := NewReader(string(w.Bytes()))
		got := ReadMap(r, ReadStrings[string])
		if diff := cmp.Diff(map[string][]string{want: {want, want}}, got); diff != "" || r.End() != nil {
			t.Fatalf("error %v, read differently (-encoding/json +got):\n%s", r.Err(), diff)
		}

		// The marks keep s from occurring in the output by chance.
		secret := "<<" + s + ">>"
		doc := document{Secret: &secret, Secrets: map[string]string{"k": secret}, Choice: &unknownChoice{"new", []byte(stdString(t, secret))}}
		const printed = `document{"choice":{"new":"[REDACTED]"},"secret":"[REDACTED]","secrets":{"k":"[REDACTED]"}}`
		if got := fmt.Sprintf("%#v", doc); got != printed {
			t.Fatalf("printed as %s", got)
		}
		err := Unmarshal([]byte(`{"at":`+stdString(t, secret)+`}`), &doc)
		if want := "unexpected JSON in at at line 1, column 7: want epoch seconds, got a string"; errorText(err) != want {
			t.Fatalf("error %v, want %s", err, want)
		}
	})
}

// FuzzNumber reads a number as each numeric type.
func FuzzNumber(f *testing.F) {
	for _, seed := range []string{
		"0", "-0", "1", "-1", "2147483647", "2147483648", "-2147483648", "-2147483649", "9223372036854775807", "9223372036854775808",
		"1.5", "1e3", "1E-3", "1756383103.123456789", "1.756383103E9", "0.0000000019", "-0.5", "-62135596800", "-62135596800.5", "253402300799.9999999999",
		"253402300800", "1e308", "1e309", "5e-324", "1e-400", "0e99999999999999999999", "1e-99999999999999999999", "12345678901234567890e-10",
		"1e11", "1e12", "000", "1.", "-", "1e", "+1", ".5", "NaN",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if end, bad := scanNumber(src, 0); bad != "" || end != len(src) {
			if kindAt(src, 0) == numberKind && json.Valid([]byte(src)) && strings.TrimRight(src, " \t\r\n") == src {
				t.Fatalf("%s is a number", src)
			}
			return
		}
		if !json.Valid([]byte(src)) {
			t.Fatalf("%s is not a number", src)
		}
		checkNumber(t, src, (*Reader).Int32, stdNumber[int32])
		checkNumber(t, src, (*Reader).Int64, stdNumber[int64])
		checkNumber(t, src, (*Reader).Float64, stdNumber[float64])
		checkNumber(t, src, (*Reader).Time, stdTime)

		r := NewReader(src)
		if f := r.Float64(); r.End() == nil {
			var w Writer
			w.Float64(f)
			if std, err := json.Marshal(f); err != nil || string(std) != string(w.Bytes()) {
				t.Fatalf("%s is written as %s, want %s", src, w.Bytes(), std)
			}
		}
	})
}

func stdNumber[T any](src string) (v T, err error) {
	err = json.Unmarshal([]byte(src), &v)
	return v, err
}

func checkNumber[T comparable](t *testing.T, src string, read func(*Reader) T, std func(string) (T, error)) {
	t.Helper()
	r := NewReader(src)
	got := read(r)
	err := r.End()
	want, stdErr := std(src)
	if (err == nil) != (stdErr == nil) || err == nil && got != want {
		t.Fatalf("%s as a %T is %v with error %v, want %v and %v", src, got, got, err, want, stdErr)
	}
}

// FuzzTime writes a time and reads it again.
func FuzzTime(f *testing.F) {
	for _, sec := range []int64{0, 1, -1, 1756383103, minEpoch, minEpoch - 1, maxEpoch, maxEpoch + 1, 1 << 62, -1 << 63} {
		for _, nsec := range []uint32{0, 1, 5e8, 999_999_999, 123_000_000} {
			f.Add(sec, nsec)
		}
	}
	f.Fuzz(func(t *testing.T, sec int64, nsec uint32) {
		want := time.Unix(sec, int64(nsec%1e9)).UTC()
		var w Writer
		w.Time(want)
		if sec < minEpoch || sec > maxEpoch {
			if w.Err() == nil {
				t.Fatalf("%v was written as %s", want, w.Bytes())
			}
			return
		}
		text := string(w.Bytes())
		if w.Err() != nil || strings.ContainsAny(text, "eE") || strings.Contains(text, ".") && text[len(text)-1] == '0' {
			t.Fatalf("%v was written as %s, error %v", want, text, w.Err())
		}
		r := NewReader(text)
		if got := r.Time(); got != want || r.End() != nil {
			t.Fatalf("%v was written as %s and read as %v, error %v", want, text, got, r.Err())
		}
		if std, err := stdTime(text); std != want || err != nil {
			t.Fatalf("%v was written as %s, which is %v, error %v", want, text, std, err)
		}
	})
}
