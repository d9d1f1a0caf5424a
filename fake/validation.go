package fake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// validate checks an input against the model and words violations as the service does.
func validate[I interface {
	lambdamicrovms.OperationInput
	restjson.Encoder
}](in I) error {
	err := lambdamicrovms.Validate(in, lambdamicrovms.ValidationModel)
	if err == nil {
		return nil
	}
	violations := lambdamicrovms.Violations(err)
	slices.SortStableFunc(violations, func(a, b *lambdamicrovms.ConstraintError) int { return rank(a) - rank(b) })

	w := &restjson.Writer{Redact: true}
	in.EncodeJSON(w)
	var given any
	_ = json.Unmarshal(w.Bytes(), &given)

	texts := make([]string, len(violations))
	for i, v := range violations {
		texts[i] = describe(v, given)
	}
	plural := "s"
	if len(texts) == 1 {
		plural = ""
	}
	return invalid("%d validation error%s detected: %s", len(texts), plural, strings.Join(texts, "; "))
}

// rank orders the required members of an image as the service lists them.
func rank(v *lambdamicrovms.ConstraintError) int {
	switch v.Path {
	case "BaseImageArn":
		return 0
	case "CodeArtifact":
		return 1
	case "BuildRoleArn":
		return 2
	}
	return 3
}

func describe(v *lambdamicrovms.ConstraintError, given any) string {
	steps := wirePath(v.Path)
	if v.Key { // the service names the map
		steps = steps[:len(steps)-1]
	}
	value := "Value"
	if text, known := lookUp(given, steps); known {
		value += " " + text
	}
	where := strings.Join(steps, ".")
	if v.Key {
		return fmt.Sprintf("%s at '%s' failed to satisfy constraint: Map keys must satisfy constraint: [%s]", value, where, demand(v))
	}
	return fmt.Sprintf("%s at '%s' failed to satisfy constraint: %s", value, where, demand(v))
}

func demand(v *lambdamicrovms.ConstraintError) string {
	switch v.Rule {
	case lambdamicrovms.RuleRequired:
		return "Member must not be null"
	case lambdamicrovms.RulePattern:
		return "Member must satisfy regular expression pattern: " + strings.TrimSuffix(strings.TrimPrefix(v.Limit, "^"), "$")
	case lambdamicrovms.RuleEnum:
		return "Member must satisfy enum value set: [" + strings.TrimPrefix(v.Limit, "one of ") + "]"
	case lambdamicrovms.RuleLength, lambdamicrovms.RuleSize:
		return "Member must have length " + bound(v)
	case lambdamicrovms.RuleRange:
		return "Member must have value " + bound(v)
	}
	return "Member must have " + v.Limit
}

// bound returns the violated side of a limit such as "1 to 60", "at least 1" or "at most
// 64 bytes".
func bound(v *lambdamicrovms.ConstraintError) string {
	var numbers []int64
	for _, word := range strings.Fields(v.Limit) {
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return v.Limit
	}
	low, high := numbers[0], numbers[len(numbers)-1]
	given, _ := strconv.ParseInt(v.Given, 10, 64)
	if strings.HasPrefix(v.Limit, "at least") || !strings.HasPrefix(v.Limit, "at most") && given < low {
		return fmt.Sprintf("greater than or equal to %d", low)
	}
	return fmt.Sprintf("less than or equal to %d", high)
}

// wirePath turns Hooks.MicroVMHooks.RunTimeoutInSeconds into the steps of
// hooks.microvmHooks.runTimeoutInSeconds. A list item is counted from one and followed by
// "member", as services do; a map entry is its key.
func wirePath(path string) []string {
	var steps []string
	for path != "" {
		switch path[0] {
		case '.':
			path = path[1:]
		case '[':
			quoted, err := strconv.QuotedPrefix(path[1:])
			if err == nil {
				key, _ := strconv.Unquote(quoted)
				steps = append(steps, key)
				path = strings.TrimPrefix(path[1+len(quoted):], "]")
				continue
			}
			var index string
			index, path, _ = strings.Cut(path[1:], "]")
			n, _ := strconv.Atoi(index)
			steps = append(steps, strconv.Itoa(n+1), "member")
		default:
			end := strings.IndexAny(path, ".[")
			if end < 0 {
				end = len(path)
			}
			steps = append(steps, wireName(path[:end]))
			path = path[end:]
		}
	}
	return steps
}

func wireName(name string) string {
	name = strings.ReplaceAll(name, "MicroVM", "Microvm")
	return strings.ToLower(name[:1]) + name[1:]
}

// lookUp returns the value at a path as messages quote it. known is false for sensitive
// values, which messages omit.
func lookUp(value any, steps []string) (text string, known bool) {
	for i := 0; i < len(steps); i++ {
		switch parent := value.(type) {
		case map[string]any:
			member, ok := parent[steps[i]]
			if !ok { // the tag operations capitalize wire names
				member, ok = parent[strings.ToUpper(steps[i][:1])+steps[i][1:]]
			}
			if !ok && strings.HasSuffix(steps[i], "…") { // a key that was cut for the error
				return "", false
			}
			value = member
		case []any:
			n, err := strconv.Atoi(steps[i])
			if err != nil || n < 1 || n > len(parent) {
				return "", false
			}
			value = parent[n-1]
			i++ // "member"
		default:
			return "null", value == nil
		}
	}
	text = display(value)
	return text, !strings.Contains(text, "[REDACTED]")
}

func display(value any) string {
	if value == nil {
		return "null"
	}
	return "'" + plain(value) + "'"
}

func plain(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	case []any:
		items := make([]string, len(value))
		for i, item := range value {
			items[i] = plain(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		entries := make([]string, 0, len(value))
		for key, item := range value {
			entries = append(entries, key+"="+plain(item))
		}
		slices.Sort(entries)
		return "{" + strings.Join(entries, ", ") + "}"
	}
	return fmt.Sprint(value)
}
