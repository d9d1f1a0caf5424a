package output

import (
	"math"
	"slices"
	"strings"

	"golang.org/x/text/width"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// The escape sequences of colored tables.
const (
	styleRow   = "\x1b[1m\x1b[34m"
	styleBar   = "\x1b[2m\x1b[33m"
	styleReset = "\x1b[0m"
)

// cellPadding is the space around the text of a cell.
const cellPadding = 4

// section is a box of a table: a title, headers and rows, any of which may be missing.
type section struct {
	title   string
	indent  int
	headers []string
	rows    [][]string
	widths  []int // of the longest text in each column
}

type table struct {
	sections []*section
	color    bool
	terminal int // its width
}

// AppendTable appends a document as a table. Nothing is appended for an empty one.
func AppendTable(b []byte, title string, v any, color bool, terminal int) []byte {
	t := &table{color: color, terminal: terminal}
	if !t.build(&title, v, 0) {
		return b
	}
	return t.render(b)
}

// build adds the sections for a value. Without a title it goes on in the last section.
func (t *table) build(title *string, v any, indent int) bool {
	if empty(v) {
		return false
	}
	if title != nil {
		t.open(*title, indent)
	}
	switch v := v.(type) {
	case *value.Map:
		t.structure(v, indent)
	case []any:
		if isMap(v[0]) {
			t.structures(v, indent, title)
			return true
		}
		for _, e := range v {
			t.item(e)
		}
	}
	return true
}

// item adds an element of a list that does not begin with a structure.
func (t *table) item(e any) {
	if value.Scalar(e) {
		t.last().add([]any{e})
		return
	}
	if list, ok := e.([]any); ok && !slices.ContainsFunc(list, func(e any) bool { return !value.Scalar(e) }) {
		t.last().add(list)
		return
	}
	t.build(nil, e, 0)
}

// empty reports whether Python takes a value for false.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case int64:
		return v == 0
	case float64:
		return v == 0
	case []any:
		return len(v) == 0
	case *value.Map:
		return v.Len() == 0
	}
	return false
}

func (t *table) open(title string, indent int) {
	t.sections = append(t.sections, &section{title: title, indent: indent})
}

func (t *table) last() *section { return t.sections[len(t.sections)-1] }

func (t *table) structure(m *value.Map, indent int) {
	var scalars, rest []string
	for _, name := range m.Names() {
		if v, _ := m.Get(name); value.Scalar(v) {
			scalars = append(scalars, name)
		} else {
			rest = append(rest, name)
		}
	}
	row := make([]any, len(scalars))
	for i, name := range scalars {
		row[i], _ = m.Get(name)
	}
	switch len(scalars) {
	case 0:
	case 1:
		t.last().add([]any{scalars[0], row[0]})
	default:
		t.last().head(scalars)
		t.last().add(row)
	}
	for _, name := range rest {
		v, _ := m.Get(name)
		t.build(&name, v, indent+1)
	}
}

func (t *table) structures(list []any, indent int, title *string) {
	headers, more := scalarNames(list), new(value.Map)
	for _, e := range list {
		if m, ok := e.(*value.Map); ok {
			for _, member := range m.Members() {
				if !value.Scalar(member.Value) {
					more.Set(member.Name, nil)
				}
			}
		}
	}
	t.last().head(headers)
	for i, e := range list {
		m, ok := e.(*value.Map)
		if !ok {
			continue
		}
		if i > 0 && more.Len() > 0 {
			name := ""
			if title != nil {
				name = *title
			}
			t.open(name, indent)
			t.last().head(headers)
		}
		row := make([]any, len(headers))
		for i, name := range headers {
			row[i] = ""
			if v, ok := m.Get(name); ok {
				row[i] = v
			}
		}
		t.last().add(row)
		for _, name := range more.Names() {
			if v, ok := m.Get(name); ok {
				t.build(&name, v, indent+1)
			}
		}
	}
}

func (s *section) head(headers []string) {
	s.widen(headers)
	s.headers = headers
}

func (s *section) add(row []any) {
	texts := make([]string, len(row))
	for i, v := range row {
		texts[i] = value.Text(v)
	}
	s.widen(texts)
	s.rows = append(s.rows, texts)
}

func (s *section) widen(texts []string) {
	for i, text := range texts {
		if i == len(s.widths) {
			s.widths = append(s.widths, 0)
		}
		s.widths[i] = max(s.widths[i], textWidth(text))
	}
}

// textWidth counts the columns of a text on a terminal: two for what is wide, or may be.
func textWidth(text string) int {
	n := 0
	for _, r := range text {
		n++
		if r < 0x80 {
			continue
		}
		switch width.LookupRune(r).Kind() {
		case width.EastAsianWide, width.EastAsianFullwidth, width.EastAsianAmbiguous:
			n++
		}
	}
	return n
}

func (s *section) totalWidth() int {
	total := 2
	for _, w := range s.widths {
		total += w + cellPadding
	}
	return max(textWidth(s.title)+2, total) + 2*s.indent
}

// columns returns the widths of the columns in a table of the width.
func (s *section) columns(total int) []int {
	sum := 0
	for _, w := range s.widths {
		sum += w + cellPadding
	}
	if sum == 0 {
		return nil
	}
	factor := float64(total) / float64(sum)
	scaled := make([]int, len(s.widths))
	off := -total
	for i, w := range s.widths {
		scaled[i] = int(math.RoundToEven(factor * float64(w+cellPadding)))
		off += scaled[i]
	}
	for off != 0 {
		for i := range scaled {
			if off > 0 {
				scaled[i]--
				off--
			} else if off < 0 {
				scaled[len(scaled)-1-i]++
				off++
			}
		}
	}
	return scaled
}

func (t *table) maxWidth() int {
	n := 0
	for _, s := range t.sections {
		n = max(n, s.totalWidth())
	}
	return n
}

// turn makes headers the first column of sections with one row.
func (t *table) turn() {
	for i, s := range t.sections {
		if len(s.rows) == 1 && len(s.headers) > 0 {
			turned := &section{title: s.title, indent: s.indent}
			for j, header := range s.headers {
				turned.add([]any{header, s.rows[0][j]})
			}
			t.sections[i] = turned
		}
	}
}

func (t *table) render(b []byte) []byte {
	total := t.maxWidth()
	if total > t.terminal {
		t.turn()
		total = t.maxWidth()
	}
	b = t.write(b, strings.Repeat("-", total)+"\n")
	for _, s := range t.sections {
		bar := "|"
		if t.color {
			bar = styleBar + "|" + styleReset
		}
		bars := strings.Repeat(bar, s.indent)
		for _, line := range t.lines(s, total-2*s.indent) {
			b = t.write(b, bars, line, bars, "\n")
		}
	}
	return b
}

// write appends texts. In a colored table the AWS CLI resets the style after each.
func (t *table) write(b []byte, texts ...string) []byte {
	for _, text := range texts {
		b = append(b, text...)
		if t.color {
			b = append(b, styleReset...)
		}
	}
	return b
}

func (t *table) lines(s *section, total int) []string {
	var lines []string
	if s.title != "" {
		lines = append(lines, center(s.title, total, "|"))
		if len(s.headers) == 0 && len(s.rows) == 0 {
			lines = append(lines, "+"+strings.Repeat("-", max(0, total-2))+"+")
		}
	}
	columns := s.columns(total)
	if len(s.headers) > 0 {
		line := ""
		for i, header := range s.headers {
			line += center(header, columns[i], edge(i))
		}
		lines = append(lines, border(columns), line)
	}
	if len(s.rows) == 0 || columns == nil {
		return lines
	}
	lines = append(lines, border(columns))
	for _, row := range s.rows {
		line := ""
		for i := range min(len(row), len(columns)) {
			line += t.cell(row[i], columns[i], edge(i))
		}
		lines = append(lines, line)
	}
	return append(lines, border(columns))
}

// edge is what stands left of a cell: the cell before it has the other edges.
func edge(column int) string {
	if column == 0 {
		return "|"
	}
	return ""
}

func border(columns []int) string {
	line := ""
	for i, w := range columns {
		if i == 0 {
			line = "+"
			w--
		}
		line += strings.Repeat("-", max(0, w-1)) + "+"
	}
	return line
}

func center(text string, length int, left string) string {
	n := textWidth(text)
	start := max(0, length/2-n/2-1)
	rest := length - 1 - len(left) - start - n
	return left + strings.Repeat(" ", start) + text + strings.Repeat(" ", max(0, rest)) + "|"
}

func (t *table) cell(text string, length int, left string) string {
	n, padding := textWidth(text), 2
	if length < n+padding+len(left)+1 {
		padding = 0
	}
	rest := length - len(left) - padding - n - 1
	if t.color {
		text = styleRow + text + styleReset
	}
	return left + strings.Repeat(" ", padding) + text + strings.Repeat(" ", max(0, rest)) + "|"
}
