package lambdamicrovms

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms/types"
)

// standInInput has one member for every kind of generated check.
type standInInput struct {
	Name    *string
	Secret  *string
	Count   *int32
	Total   *int64
	Less    *int64
	State   string
	Enabled *bool
	Inner   *standInInner
	Choice  any // a union
	Items   []standInInner
	Choices []any
	Labels  []string
	States  []standInState
	Entries map[string]string
	Plain   []standInInner
}

type standInState string

type standInInner struct {
	Count *int32
	Deep  *standInInner
}

type (
	standInText  struct{ Value string }
	standInShape struct{ Value standInInner }
)

var (
	nameRule   = stringRule{min: 2, max: 4, match: lowerCase, pattern: "^[a-z]*$"}
	secretRule = stringRule{max: 4, match: lowerCase, pattern: "^[a-z]*$", secret: true}
	countRule  = rangeRule{min: 1, max: 60}
	totalRule  = rangeRule{min: 60, max: noMax}
	lessRule   = rangeRule{min: noMin, max: -1}
	stateRule  = enumRule{"OFF", "ON"}
)

func lowerCase(s string) bool { return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzéß") == "" }

func (in *standInInput) validate(v *validator) {
	v.string("Name", in.Name, required, &nameRule)
	v.string("Secret", in.Secret, optional, &secretRule)
	v.int32("Count", in.Count, optional, &countRule)
	v.int64("Total", in.Total, optional, &totalRule)
	v.int64("Less", in.Less, optional, &lessRule)
	v.enum("State", in.State, required, stateRule)
	v.present("Enabled", in.Enabled != nil)
	nested(v, "Inner", in.Inner, optional, validateInner)
	union(v, "Choice", in.Choice, required, validateChoice)
	structs(v, "Items", in.Items, optional, sizeRule{max: 2}, validateInner)
	unions(v, "Choices", in.Choices, optional, sizeRule{min: 1}, validateChoice)
	v.strings("Labels", in.Labels, optional, sizeRule{min: 2, max: 2}, &nameRule)
	enums(v, "States", in.States, optional, sizeRule{}, stateRule)
	v.stringMap("Entries", in.Entries, optional, sizeRule{max: 3}, &nameRule, &secretRule)
	structs(v, "Plain", in.Plain, optional, sizeRule{max: 1}, nil)
}

func validateInner(v *validator, s *standInInner) {
	v.int32("Count", s.Count, required, &countRule)
	nested(v, "Deep", s.Deep, optional, validateInner)
}

func validateChoice(v *validator, u any) {
	switch u := u.(type) {
	case *standInText:
		v.string("Text", &u.Value, required, &nameRule)
	case *standInShape:
		nested(v, "Shape", &u.Value, required, validateInner)
	default:
		v.unknownMember(u)
	}
}

// validInput returns an input that is subject to every check and breaks no rule.
func validInput() *standInInput {
	return &standInInput{
		Name:    aws.String("name"),
		Secret:  aws.String(""),
		Count:   aws.Int32(60),
		Total:   aws.Int64(noMax),
		Less:    aws.Int64(noMin),
		State:   "ON",
		Enabled: aws.Bool(false),
		Inner:   &standInInner{Count: aws.Int32(1), Deep: &standInInner{Count: aws.Int32(1)}},
		Choice:  &standInShape{standInInner{Count: aws.Int32(1)}},
		Items:   []standInInner{{Count: aws.Int32(1)}},
		Choices: []any{&standInText{"ab"}},
		Labels:  []string{"ab", "cd"},
		States:  []standInState{"ON", "OFF"},
		Entries: map[string]string{"ab": "", "cd": "abcd"},
		Plain:   []standInInner{{}},
	}
}

func TestValidateRules(t *testing.T) {
	const pattern = "^[a-z]*$"
	tests := []struct {
		name   string
		change func(*standInInput)
		want   []*ConstraintError // without Input
	}{
		{"nothing", func(*standInInput) {}, nil},
		{"optional members left out", func(in *standInInput) {
			*in = standInInput{Name: in.Name, State: in.State, Enabled: in.Enabled, Choice: in.Choice}
		}, nil},
		{"required members left out", func(in *standInInput) { *in = standInInput{} }, []*ConstraintError{
			{Path: "Name", Rule: RuleRequired},
			{Path: "State", Rule: RuleRequired},
			{Path: "Enabled", Rule: RuleRequired},
			{Path: "Choice", Rule: RuleRequired},
		}},
		{"required in nested", func(in *standInInput) {
			in.Inner.Deep.Count = nil
			in.Items[0].Count = nil
			in.Choice = &standInShape{}
		}, []*ConstraintError{
			{Path: "Inner.Deep.Count", Rule: RuleRequired},
			{Path: "Choice.Shape.Count", Rule: RuleRequired},
			{Path: "Items[0].Count", Rule: RuleRequired},
		}},

		{"length: shortest", func(in *standInInput) { in.Name = aws.String("ab") }, nil},
		{"length: longest in code points", func(in *standInInput) { in.Name = aws.String("éßéß") }, nil},
		{"length: too short in code points", func(in *standInInput) { in.Name = aws.String("é") }, []*ConstraintError{
			{Path: "Name", Rule: RuleLength, Limit: "2 to 4 characters", Given: "1"},
		}},
		{"length: too long", func(in *standInInput) { in.Name = aws.String("éßéßé") }, []*ConstraintError{
			{Path: "Name", Rule: RuleLength, Limit: "2 to 4 characters", Given: "5"},
		}},
		{"length: empty", func(in *standInInput) { in.Name = aws.String("") }, []*ConstraintError{
			{Path: "Name", Rule: RuleLength, Limit: "2 to 4 characters", Given: "0"},
		}},
		{"length: one code point for each invalid byte", func(in *standInInput) { in.Secret = aws.String("\xff\xff\xff\xff\xff") }, []*ConstraintError{
			{Path: "Secret", Rule: RuleLength, Limit: "at most 4 characters", Given: "5"},
			{Path: "Secret", Rule: RulePattern, Limit: pattern, Given: "[REDACTED]"},
		}},
		{"pattern", func(in *standInInput) { in.Name = aws.String("a b") }, []*ConstraintError{
			{Path: "Name", Rule: RulePattern, Limit: pattern, Given: `"a b"`},
		}},
		{"value of many bytes that fits", func(in *standInInput) { in.Choice = &types.UnknownUnionMember{Tag: strings.Repeat("é", 80)} }, []*ConstraintError{
			{Path: "Choice", Rule: RuleUnion, Limit: "exactly one member of the model", Given: `"` + strings.Repeat("é", 80) + `"`},
		}},
		{"length and pattern, value cut", func(in *standInInput) { in.Name = aws.String(strings.Repeat("É", 81)) }, []*ConstraintError{
			{Path: "Name", Rule: RuleLength, Limit: "2 to 4 characters", Given: "81"},
			{Path: "Name", Rule: RulePattern, Limit: pattern, Given: `"` + strings.Repeat("É", 80) + `…"`},
		}},
		{"sensitive value", func(in *standInInput) { in.Secret = aws.String("HUSH") }, []*ConstraintError{
			{Path: "Secret", Rule: RulePattern, Limit: pattern, Given: "[REDACTED]"},
		}},

		{"range: least", func(in *standInInput) { in.Count, in.Total = aws.Int32(1), aws.Int64(60) }, nil},
		{"range: below", func(in *standInInput) { in.Count, in.Total = aws.Int32(0), aws.Int64(59) }, []*ConstraintError{
			{Path: "Count", Rule: RuleRange, Limit: "1 to 60", Given: "0"},
			{Path: "Total", Rule: RuleRange, Limit: "at least 60", Given: "59"},
		}},
		{"range: above the only bound", func(in *standInInput) { in.Less = aws.Int64(0) }, []*ConstraintError{
			{Path: "Less", Rule: RuleRange, Limit: "at most -1", Given: "0"},
		}},
		{"range: above", func(in *standInInput) { in.Inner.Count = aws.Int32(61) }, []*ConstraintError{
			{Path: "Inner.Count", Rule: RuleRange, Limit: "1 to 60", Given: "61"},
		}},

		{"enum", func(in *standInInput) { in.State = "on" }, []*ConstraintError{
			{Path: "State", Rule: RuleEnum, Limit: "one of OFF, ON", Given: `"on"`},
		}},
		{"enum list", func(in *standInInput) { in.States = []standInState{"ON", "", "?"} }, []*ConstraintError{
			{Path: "States[1]", Rule: RuleEnum, Limit: "one of OFF, ON", Given: `""`},
			{Path: "States[2]", Rule: RuleEnum, Limit: "one of OFF, ON", Given: `"?"`},
		}},

		{"size: too large", func(in *standInInput) {
			in.Items = make([]standInInner, 3)
			in.Plain = make([]standInInner, 2)
		}, []*ConstraintError{
			{Path: "Items", Rule: RuleSize, Limit: "at most 2 items", Given: "3"},
			{Path: "Items[0].Count", Rule: RuleRequired},
			{Path: "Items[1].Count", Rule: RuleRequired},
			{Path: "Items[2].Count", Rule: RuleRequired},
			{Path: "Plain", Rule: RuleSize, Limit: "at most 1 item", Given: "2"},
		}},
		{"size: empty is not left out", func(in *standInInput) { in.Choices = []any{} }, []*ConstraintError{
			{Path: "Choices", Rule: RuleSize, Limit: "at least 1 item", Given: "0"},
		}},
		{"size and items", func(in *standInInput) { in.Labels = []string{"a"} }, []*ConstraintError{
			{Path: "Labels", Rule: RuleSize, Limit: "exactly 2 items", Given: "1"},
			{Path: "Labels[0]", Rule: RuleLength, Limit: "2 to 4 characters", Given: "1"},
		}},

		{"map, in key order", func(in *standInInput) {
			in.Entries = map[string]string{"ok": "ok", "e": "OH", "d\n": "ok", "b B": "LOUD!", "c": "ok"}
		}, []*ConstraintError{
			{Path: "Entries", Rule: RuleSize, Limit: "at most 3 entries", Given: "5"},
			{Path: `Entries["b B"]`, Rule: RulePattern, Key: true, Limit: pattern, Given: `"b B"`},
			{Path: `Entries["b B"]`, Rule: RuleLength, Limit: "at most 4 characters", Given: "5"},
			{Path: `Entries["b B"]`, Rule: RulePattern, Limit: pattern, Given: "[REDACTED]"},
			{Path: `Entries["c"]`, Rule: RuleLength, Key: true, Limit: "2 to 4 characters", Given: "1"},
			{Path: `Entries["d\n"]`, Rule: RulePattern, Key: true, Limit: pattern, Given: `"d\n"`},
			{Path: `Entries["e"]`, Rule: RuleLength, Key: true, Limit: "2 to 4 characters", Given: "1"},
			{Path: `Entries["e"]`, Rule: RulePattern, Limit: pattern, Given: "[REDACTED]"},
		}},
		{"map, long key cut", func(in *standInInput) { in.Entries = map[string]string{strings.Repeat("k", 41): ""} }, []*ConstraintError{
			{Path: `Entries["` + strings.Repeat("k", 40) + `…"]`, Rule: RuleLength, Key: true, Limit: "2 to 4 characters", Given: "41"},
		}},

		{"union: unknown member", func(in *standInInput) { in.Choice = &types.UnknownUnionMember{Tag: "later"} }, []*ConstraintError{
			{Path: "Choice", Rule: RuleUnion, Limit: "exactly one member of the model", Given: `"later"`},
		}},
		{"union: no member, in lists", func(in *standInInput) {
			in.Choices = []any{nil, (*standInText)(nil), &standInText{"a"}, standInText{}}
		}, []*ConstraintError{
			{Path: "Choices[0]", Rule: RuleUnion, Limit: "exactly one member of the model", Given: "none"},
			{Path: "Choices[1]", Rule: RuleUnion, Limit: "exactly one member of the model", Given: "none"},
			{Path: "Choices[2].Text", Rule: RuleLength, Limit: "2 to 4 characters", Given: "1"},
			{Path: "Choices[3]", Rule: RuleUnion, Limit: "exactly one member of the model", Given: "lambdamicrovms.standInText"},
		}},
		{"union: nil pointer", func(in *standInInput) { in.Choice = (*standInShape)(nil) }, []*ConstraintError{
			{Path: "Choice", Rule: RuleUnion, Limit: "exactly one member of the model", Given: "none"},
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			in := validInput()
			test.change(in)
			err := Validate(in, ValidationModel)
			if (err != nil) != (test.want != nil) {
				t.Errorf("error: %v", err)
			}
			for _, want := range test.want {
				want.Input = "standInInput"
			}
			if diff := cmp.Diff(test.want, Violations(err)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}

			// Strict mode includes the model's rules. Required mode is a part of them.
			if diff := cmp.Diff(test.want, Violations(Validate(in, ValidationStrict))); diff != "" {
				t.Errorf("strict violations (-want +got):\n%s", diff)
			}
			var wantRequired []*ConstraintError
			for _, want := range test.want {
				if want.Rule == RuleRequired {
					wantRequired = append(wantRequired, want)
				}
			}
			if diff := cmp.Diff(wantRequired, Violations(Validate(in, ValidationRequired))); diff != "" {
				t.Errorf("required violations (-want +got):\n%s", diff)
			}
			if err := Validate(in, ValidationNone); err != nil {
				t.Errorf("ValidationNone: %v", err)
			}
		})
	}
}

// Validators are pooled: no state of one input may affect the next.
func TestValidateAgain(t *testing.T) {
	bad := validInput()
	bad.Items[0].Count = nil
	for range 3 {
		if got := Violations(Validate(bad, ValidationRequired)); len(got) != 1 {
			t.Fatalf("got %v, want one violation", got)
		}
		if err := Validate(validInput(), ValidationModel); err != nil {
			t.Fatal(err)
		}
	}
}

func TestValidInputAllocatesNothing(t *testing.T) {
	in, v := validInput(), new(validator)
	if allocs := testing.AllocsPerRun(10, func() { in.validate(v) }); allocs != 0 || v.found != nil {
		t.Errorf("%v allocations, found %v", allocs, v.found)
	}
	for _, step := range v.path[:cap(v.path)] {
		if step != (place{}) {
			t.Errorf("the validator keeps %+v", step)
		}
	}
}

func TestMatchDFA(t *testing.T) {
	const (
		start = "\x82aa\x00\x09\x80\x80\x00\x0e" // may end; a to after, beyond ASCII to end
		after = "\x01bb\x00\x00"                 // b to start
		end   = "\x80"                           // may end
		table = start + after + end              // (ab)*[^\x00-\x7f]?
	)
	for s, want := range map[string]bool{
		"": true, "ab": true, "abab": true, "é": true, "ab世": true, "\xff": true,
		"a": false, "aba": false, "abb": false, "b": false, "éé": false, "aé": false, "\x7f": false,
	} {
		if got := matchDFA(table, s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}
