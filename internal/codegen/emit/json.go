package emit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/codegen/plan"
)

// These methods are exported because package types, the root package, fake and images
// call them. Their documentation tells programs what to call instead.
const encodeDoc = "EncodeJSON is for use by this module: programs call json.Marshal."

// typeSerializers prints types/serializers.go.
func typeSerializers(p *printer, pl *plan.Plan) {
	for _, s := range pl.Structs {
		encoder(p, s)
	}
	for _, s := range pl.Errors {
		encoder(p, s)
	}
	for _, u := range pl.Unions {
		for _, m := range u.Members {
			p.p("// %s", encodeDoc)
			p.p("func (v *%s) EncodeJSON(w *@restjson.Writer) {", m.Go)
			p.p("if v == nil {\nw.Null()\nreturn\n}")
			p.p("w.Begin()")
			p.p("w.Key(%q)", m.Wire)
			p.p("%s", writeValue(p, m.Type, "v.Value", "&v.Value"))
			p.p("w.End()")
			p.p("}\n")
			marshaler(p, m.Go, "v")
			printing(p, m.Go, "v", m.Type.SecretBelow())
		}
	}
	p.p("// %s", encodeDoc)
	p.p("func (v *UnknownUnionMember) EncodeJSON(w *@restjson.Writer) {")
	p.p("if v == nil {\nw.Null()\nreturn\n}")
	p.p("w.Begin()\nw.Key(v.Tag)\nw.Raw(v.Value)\nw.End()\n}\n")
	marshaler(p, "UnknownUnionMember", "v")
	printing(p, "UnknownUnionMember", "v", true)
}

// rootSerializers prints serializers.go.
func rootSerializers(p *printer, pl *plan.Plan) {
	for _, op := range pl.Operations {
		request(p, op)
		encoder(p, op.Input)
		encoder(p, op.Output)
	}
}

// request prints the method that turns an input into a request.
func request(p *printer, op *plan.Operation) {
	in := op.Input
	p.p("func (in *%s) serialize(r *requestEncoder) {", in.Go)
	for _, s := range op.Path {
		if s.Label != nil {
			p.p("r.label(%q, in.%s)", s.Label.Go, s.Label.Go)
		} else {
			p.p("r.literal(%q)", s.Literal)
		}
	}
	for _, m := range op.Queries {
		switch m.Type.Kind {
		case plan.String:
			p.p("r.queryString(%q, in.%s)", m.HTTPName, m.Go)
		case plan.EnumKind:
			p.p("r.queryEnum(%q, string(in.%s))", m.HTTPName, m.Go)
		case plan.Int32:
			p.p("r.queryInt32(%q, in.%s)", m.HTTPName, m.Go)
		case plan.Bool:
			p.p("if in.%s != nil {\nr.queryValue(%q, @strconv.FormatBool(*in.%[1]s))\n}", m.Go, m.HTTPName)
		case plan.List:
			p.p("r.queryStrings(%q, in.%s)", m.HTTPName, m.Go)
		}
	}
	switch {
	case in.Split() && op.Body:
		p.p("r.json(in.encodeBody)")
	case op.Body:
		p.p("r.json(in.EncodeJSON)")
	}
	p.p("}\n")
	if op.Token != nil {
		p.p("func (in *%s) tokenMember() **string { return &in.%s }\n", in.Go, op.Token.Go)
	}
}

// encoder prints the methods that encode a struct as JSON.
func encoder(p *printer, s *plan.Struct) {
	v := receiver(s)
	split := s.Role == plan.Input && s.Split()
	if split {
		p.p("// %s", encodeDoc)
		p.p("func (%s *%s) EncodeJSON(w *@restjson.Writer) { %[1]s.encode(w, true) }\n", v, s.Go)
		p.p("func (%s *%s) encodeBody(w *@restjson.Writer) { %[1]s.encode(w, false) }\n", v, s.Go)
		p.p("func (%s *%s) encode(w *@restjson.Writer, whole bool) {", v, s.Go)
	} else {
		p.p("// %s", encodeDoc)
		p.p("func (%s *%s) EncodeJSON(w *@restjson.Writer) {", v, s.Go)
	}
	p.p("w.Begin()")
	for _, m := range s.Encoded {
		line := writeMember(p, m, v)
		if split && m.Location != plan.Body {
			line = "if whole {\n" + line + "\n}"
		}
		p.p("%s", line)
	}
	p.p("w.End()")
	p.p("}\n")
	marshaler(p, s.Go, v)
	if s.Role != plan.Error { // errors print their message
		printing(p, s.Go, v, s.Secret)
	}
}

func marshaler(p *printer, name, v string) {
	p.p("// MarshalJSON implements json.Marshaler in the form of the wire.")
	p.p("func (%s %s) MarshalJSON() ([]byte, error) { return @restjson.Marshal(&%[1]s) }\n", v, name)
	p.p("// MarshalYAML is MarshalJSON for YAML: it returns values that YAML libraries encode.")
	p.p("func (%s %s) MarshalYAML() (any, error) { return @restjson.MarshalYAML(&%[1]s) }\n", v, name)
}

// yamlUnmarshaler prints the method that gopkg.in/yaml.v3 and goccy/go-yaml call to
// decode. Neither calls UnmarshalJSON.
func yamlUnmarshaler(p *printer, name, v string) {
	p.p("// UnmarshalYAML is UnmarshalJSON for YAML: a YAML library calls it, and supplies decode.")
	p.p("func (%s *%s) UnmarshalYAML(decode func(any) error) error { return @restjson.UnmarshalYAML(decode, %[1]s.UnmarshalJSON) }\n", v, name)
}

// printing prints the methods that fmt and slog call. Only a secret type needs LogValue:
// without it slog uses MarshalJSON or Format, and these handle nil pointers, which
// LogValue cannot.
func printing(p *printer, name, v string, secret bool) {
	p.doc("Format prints the name and the JSON of " + name + ", sensitive values as [REDACTED], whatever the verb.")
	p.p("func (%s %s) Format(s @fmt.State, verb rune) { @restjson.Format(s, verb, %q, &%[1]s) }\n", v, name, name)
	if !secret {
		return
	}
	p.p("// LogValue gives slog what Format prints, as JSON where the handler writes JSON.")
	p.p("func (%s %s) LogValue() @slog.Value { return @restjson.LogValue(%q, &%[1]s) }\n", v, name, name)
}

func receiver(s *plan.Struct) string {
	switch s.Role {
	case plan.Input:
		return "in"
	case plan.Output:
		return "out"
	case plan.Error:
		return "e"
	}
	return "v"
}

// scalar returns the name of a simple type in package restjson. Writer has methods with
// that name, alone and with the suffix Field; Reader has them alone and with the suffix
// Ptr.
func scalar(t *plan.Type) (name string, ok bool) {
	switch t.Kind {
	case plan.String:
		return "String", true
	case plan.Bool:
		return "Bool", true
	case plan.Int32:
		return "Int32", true
	case plan.Int64:
		return "Int64", true
	case plan.Float64:
		return "Float64", true
	case plan.Time:
		return "Time", true
	}
	return "", false
}

// writeMember returns the line that writes a member if it is set.
func writeMember(p *printer, m *plan.Member, v string) string {
	t, field := m.Type, v+"."+m.Go
	if name, ok := scalar(t); ok {
		if t.Secret {
			name = "Secret"
		}
		return fmt.Sprintf("w.%sField(%q, %s)", name, m.Wire, field)
	}
	call := func(name string) string { return p.text("@restjson.%s(w, %q, %s)", name, m.Wire, field) }
	switch t.Kind {
	case plan.EnumKind:
		return fmt.Sprintf("w.EnumField(%q, string(%s))", m.Wire, field)
	case plan.StructKind:
		return call("Field")
	case plan.UnionKind:
		return call("UnionField")
	case plan.List:
		switch {
		case t.Elem.Kind == plan.StructKind:
			return call("Structs")
		case t.Elem.Kind == plan.UnionKind:
			return call("Unions")
		case t.Elem.Stringlike() && !t.Elem.Secret:
			return call("Strings")
		}
		return p.text("@restjson.List(w, %q, %s, %s)", m.Wire, field, writeFunc(p, t.Elem))
	default:
		switch {
		case t.Elem.Stringlike() && t.Elem.Secret:
			return call("SecretMap")
		case t.Elem.Stringlike():
			return call("StringMap")
		}
		return p.text("@restjson.Map(w, %q, %s, %s)", m.Wire, field, writeFunc(p, t.Elem))
	}
}

func writeFunc(p *printer, t *plan.Type) string {
	return p.text("func(w *@restjson.Writer, e %s) {\n%s\n}", goType(p, t), writeValue(p, t, "e", "&e"))
}

// writeValue returns the line that writes a value that is set.
func writeValue(p *printer, t *plan.Type, value, address string) string {
	if name, ok := scalar(t); ok {
		if t.Secret {
			name = "Secret"
		}
		return fmt.Sprintf("w.%s(%s)", name, value)
	}
	switch t.Kind {
	case plan.EnumKind:
		return fmt.Sprintf("w.String(string(%s))", value)
	case plan.StructKind:
		return fmt.Sprintf("(%s).EncodeJSON(w)", address)
	case plan.UnionKind:
		return p.text("@restjson.Union(w, %s)", value)
	case plan.List:
		return p.text("@restjson.ListValue(w, %s, %s)", value, writeFunc(p, t.Elem))
	default:
		return p.text("@restjson.MapValue(w, %s, %s)", value, writeFunc(p, t.Elem))
	}
}

// typeDeserializers prints types/deserializers.go.
func typeDeserializers(p *printer, pl *plan.Plan) {
	for _, s := range pl.Structs {
		decoder(p, s)
	}
	for _, s := range pl.Errors {
		decoder(p, s)
	}
	for _, u := range pl.Unions {
		unionDecoder(p, u)
	}
}

// rootDeserializers prints deserializers.go.
func rootDeserializers(p *printer, pl *plan.Plan) {
	for _, op := range pl.Operations {
		decoder(p, op.Input)
		decoder(p, op.Output)
		p.p("func (out *%s) setResultMetadata(m @middleware.Metadata) { out.ResultMetadata = m }\n", op.Output.Go)
		p.p("func (out *%s) decode(r *@restjson.Reader) { out.DecodeJSON(r) }\n", op.Output.Go)
	}

	p.doc("newModeledError returns an empty error of the type that the model has for a code, and the function that decodes it. Both are nil if the model does not know the code.")
	p.p("func newModeledError(code string) (err modeledError, decode func(*@restjson.Reader)) {")
	p.p("switch code {")
	for _, e := range pl.Errors {
		p.p("case %q:\ne := &@types.%s{}\nreturn e, e.DecodeJSON", e.Wire, e.Go)
	}
	p.p("}\nreturn nil, nil\n}\n")

	var bindings []string
	for _, e := range pl.Errors {
		for _, m := range e.Members {
			if m.Location == plan.Header {
				bindings = append(bindings, p.text("case *@types.%s:\nerr.%s = headerInt32(header, %q)", e.Go, m.Go, m.HTTPName))
			}
		}
	}
	p.p("// bindErrorHeader sets the members of an error that travel in the header.")
	if len(bindings) == 0 {
		p.p("func bindErrorHeader(modeledError, @http.Header) {}")
		return
	}
	p.p("func bindErrorHeader(err modeledError, header @http.Header) {")
	p.p("switch err := err.(type) {\n%s\n}\n}", strings.Join(bindings, "\n"))
}

// decoder prints the methods that decode a struct from JSON.
func decoder(p *printer, s *plan.Struct) {
	v := receiver(s)
	p.p("// DecodeJSON is for use by this module: programs call json.Unmarshal.")
	p.p("func (%s *%s) DecodeJSON(r *@restjson.Reader) {", v, s.Go)
	p.p("for r.Object(); r.Next(); {")
	unknown := "Unknown"
	if s.Sent {
		unknown = "UnknownSetting"
	}
	if len(s.Encoded) == 0 {
		p.p("r.%s()", unknown)
	} else {
		var known []string
		p.p("switch r.Key() {")
		for _, m := range s.Encoded {
			p.p("case %s:", quoted(m.WireNames))
			p.p("%s.%s = %s", v, m.Go, readMember(p, m))
			known = append(known, m.Wire)
		}
		p.p("default:\nr.%s(%s)\n}", unknown, wrapped(known))
	}
	p.p("}\n}\n")
	unmarshal := "Unmarshal"
	if s.Role == plan.Input {
		unmarshal = "UnmarshalStrict"
		p.doc("UnmarshalJSON implements json.Unmarshaler. A member that the model does not know is an error, at any depth.")
	} else {
		p.p("// UnmarshalJSON implements json.Unmarshaler.")
	}
	p.p("func (%s *%s) UnmarshalJSON(data []byte) error { return @restjson.%s(data, %[1]s) }\n", v, s.Go, unmarshal)
	yamlUnmarshaler(p, s.Go, v)
}

// readMember returns the expression that reads a member.
func readMember(p *printer, m *plan.Member) string {
	if name, ok := scalar(m.Type); ok {
		return "r." + name + "Ptr()"
	}
	if m.Type.Kind == plan.StructKind {
		return p.text("@restjson.Struct[%s](r)", goType(p, m.Type))
	}
	return readValue(p, m.Type)
}

// readValue returns the expression that reads a value that is not a pointer.
func readValue(p *printer, t *plan.Type) string {
	if name, ok := scalar(t); ok {
		return "r." + name + "()"
	}
	switch t.Kind {
	case plan.EnumKind:
		return p.text("@restjson.Enum[%s](r)", goType(p, t))
	case plan.StructKind:
		return p.text("@restjson.Value[%s](r)", goType(p, t))
	case plan.UnionKind:
		return unionReader(p, t.Union) + "(r)"
	case plan.List:
		switch {
		case t.Elem.Kind == plan.StructKind:
			return p.text("@restjson.ReadStructs[%s](r)", goType(p, t.Elem))
		case t.Elem.Stringlike():
			return p.text("@restjson.ReadStrings[%s](r)", goType(p, t.Elem))
		}
		return p.text("@restjson.ReadList(r, %s)", readFunc(p, t.Elem))
	default:
		if t.Elem.Stringlike() {
			return p.text("@restjson.ReadStringMap[%s](r)", goType(p, t.Elem))
		}
		return p.text("@restjson.ReadMap(r, %s)", readFunc(p, t.Elem))
	}
}

func readFunc(p *printer, t *plan.Type) string {
	if t.Kind == plan.UnionKind {
		return unionReader(p, t.Union)
	}
	return p.text("func(r *@restjson.Reader) %s { return %s }", goType(p, t), readValue(p, t))
}

// unionReader returns the name of the function that reads a union. It is a function of
// package types, because an interface cannot have a method for it.
func unionReader(p *printer, u *plan.Union) string { return p.text("@types.Decode%s", u.Go) }

func unionDecoder(p *printer, u *plan.Union) {
	p.doc("Decode" + u.Go + " is for use by this module: programs unmarshal the structure that holds the union.")
	known := make([]string, len(u.Members))
	for i, m := range u.Members {
		known[i] = m.Wire
	}
	p.p("func Decode%s(r *@restjson.Reader) %[1]s {", u.Go)
	p.p("var v %s\nvar tag string", u.Go)
	p.p("for r.Object(); r.NextSet(&tag, %s); {", quoted(known))
	p.p("switch tag {")
	for _, m := range u.Members {
		p.p("case %q:", m.Wire)
		p.p("v = &%s{Value: %s}", m.Go, readValue(p, m.Type))
	}
	p.p("default:")
	p.p("v = &UnknownUnionMember{Tag: tag, Value: r.UnknownValue()}")
	p.p("}\n}\nreturn v\n}\n")
	for _, m := range u.Members {
		p.doc("UnmarshalJSON implements json.Unmarshaler; another member of " + u.Go + " is an error.")
		p.p("func (v *%s) UnmarshalJSON(data []byte) error { return @restjson.UnmarshalUnion(data, v, Decode%s) }\n", m.Go, u.Go)
		yamlUnmarshaler(p, m.Go, "v")
	}
}

// wrapped returns quoted names, several per line if there are many.
func wrapped(names []string) string {
	const perLine = 4
	if len(names) <= perLine {
		return quoted(names)
	}
	var lines []string
	for chunk := range slices.Chunk(names, perLine) {
		lines = append(lines, quoted(chunk))
	}
	return "\n" + strings.Join(lines, ",\n") + ",\n"
}

func quoted(names []string) string {
	list := make([]string, len(names))
	for i, n := range names {
		list[i] = strconv.Quote(n)
	}
	return strings.Join(list, ", ")
}
