package restjson

import (
	"fmt"
	"log/slog"
	"time"
)

// A document has a member of every sort, written as generated code is.
type document struct {
	At      *time.Time
	Choice  choice
	Choices []choice
	Flag    *bool
	Grid    [][]int32
	Inner   *document
	Items   []document
	Large   *int64
	Level   level
	Names   []level
	Ratio   *float64
	Secret  *string
	Secrets map[string]string
	Small   *int32
	Table   map[string][]string
	Text    *string
	Vars    map[string]level
}

type level string

func (d *document) EncodeJSON(w *Writer) {
	w.Begin()
	w.TimeField("at", d.At)
	UnionField(w, "choice", d.Choice)
	Unions(w, "choices", d.Choices)
	w.BoolField("flag", d.Flag)
	List(w, "grid", d.Grid, func(w *Writer, row []int32) { ListValue(w, row, (*Writer).Int32) })
	Field(w, "inner", d.Inner)
	Structs(w, "items", d.Items)
	w.Int64Field("large", d.Large)
	w.EnumField("level", string(d.Level))
	Strings(w, "names", d.Names)
	w.Float64Field("ratio", d.Ratio)
	w.SecretField("secret", d.Secret)
	SecretMap(w, "secrets", d.Secrets)
	w.Int32Field("small", d.Small)
	Map(w, "table", d.Table, func(w *Writer, row []string) { ListValue(w, row, (*Writer).String) })
	w.StringField("text", d.Text)
	StringMap(w, "vars", d.Vars)
	w.End()
}

func (d *document) DecodeJSON(r *Reader) {
	for r.Object(); r.Next(); {
		switch r.Key() {
		case "at":
			d.At = r.TimePtr()
		case "choice":
			d.Choice = decodeChoice(r)
		case "choices":
			d.Choices = ReadList(r, decodeChoice)
		case "flag":
			d.Flag = r.BoolPtr()
		case "grid":
			d.Grid = ReadList(r, func(r *Reader) []int32 { return ReadList(r, (*Reader).Int32) })
		case "inner":
			d.Inner = Struct[document](r)
		case "items":
			d.Items = ReadStructs[document](r)
		case "large":
			d.Large = r.Int64Ptr()
		case "level":
			d.Level = Enum[level](r)
		case "names":
			d.Names = ReadStrings[level](r)
		case "ratio":
			d.Ratio = r.Float64Ptr()
		case "secret":
			d.Secret = r.StringPtr()
		case "secrets":
			d.Secrets = ReadStringMap[string](r)
		case "small":
			d.Small = r.Int32Ptr()
		case "table":
			d.Table = ReadMap(r, ReadStrings[string])
		case "text":
			d.Text = r.StringPtr()
		case "vars":
			d.Vars = ReadStringMap[level](r)
		default:
			r.UnknownSetting("at", "choice", "choices", "flag", "grid", "inner", "items", "large", "level", "names", "ratio", "secret", "secrets", "small", "table", "text", "vars")
		}
	}
}

func (d document) Format(s fmt.State, verb rune) { Format(s, verb, "document", &d) }
func (d document) LogValue() slog.Value          { return LogValue("document", &d) }

// A choice is a union.
type choice interface{ isChoice() }

type choiceNumber struct{ Value int32 }

type choiceText struct{ Value string }

type unknownChoice struct {
	Tag   string
	Value []byte
}

func (*choiceNumber) isChoice()  {}
func (*choiceText) isChoice()    {}
func (*unknownChoice) isChoice() {}

func (c *choiceNumber) EncodeJSON(w *Writer) {
	w.Begin()
	w.Key("number")
	w.Int32(c.Value)
	w.End()
}

func (c *choiceText) EncodeJSON(w *Writer) {
	w.Begin()
	w.Key("text")
	w.String(c.Value)
	w.End()
}

func (c *unknownChoice) EncodeJSON(w *Writer) {
	w.Begin()
	w.Key(c.Tag)
	w.Raw(c.Value)
	w.End()
}

func decodeChoice(r *Reader) choice {
	var c choice
	var tag string
	for r.Object(); r.NextSet(&tag, "number", "text"); {
		switch tag {
		case "number":
			c = &choiceNumber{Value: r.Int32()}
		case "text":
			c = &choiceText{Value: r.String()}
		default:
			c = &unknownChoice{Tag: tag, Value: r.UnknownValue()}
		}
	}
	return c
}

func ptr[T any](v T) *T { return &v }
