package lambdamicrovms

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"
)

// IsImageBusy reports whether the service refused to change an image because a build or
// another change of it is in progress. Wait until the image has settled, for instance
// with NewMicroVMImageSettledWaiter, then try again.
//
// The service has no error type of its own for this. IsImageBusy is true for a
// ConflictException or ValidationException whose message says so, in any letter case: "is
// already in state: UPDATING", "in its current state", "is currently Updating", "an
// update is in progress". It is false for operations in which such words are about
// something else, such as SuspendMicroVM.
func IsImageBusy(err error) bool {
	var failed smithy.APIError
	if !errors.As(err, &failed) {
		return false
	}
	switch failed.ErrorCode() {
	case "ConflictException", "ValidationException":
	default:
		return false
	}
	var call *smithy.OperationError
	if errors.As(err, &call) && neverMeansBusy(call.OperationName) {
		return false
	}
	return saysBusy(failed.ErrorMessage())
}

// neverMeansBusy reports whether the operation uses the same words for another
// condition, such as a MicroVM that is being started. The name may be in either spelling.
func neverMeansBusy(operation string) bool {
	switch strings.ToLower(operation) {
	case "createmicrovmimage", "runmicrovm", "suspendmicrovm", "resumemicrovm", "terminatemicrovm",
		"createmicrovmauthtoken", "createmicrovmshellauthtoken", "tagresource", "untagresource":
		return true
	}
	return false
}

// saysBusy looks for words that mean busy. A word like "updating" counts only if it names
// a state, because messages also use it otherwise: "Updating an image requires …".
func saysBusy(message string) bool {
	text := strings.ToLower(message)
	for _, other := range []string{"validation error", "already exists", "last version"} {
		if strings.Contains(text, other) {
			return false
		}
	}
	words := plainWords(text)
	for i, word := range words {
		before, after := strings.Join(words[max(0, i-2):i], " "), strings.Join(words[i+1:min(len(words), i+2)], " ")
		if !strings.Contains(before, "not") && meansBusy(word, before[strings.LastIndexByte(before, ' ')+1:], after) {
			return true
		}
	}
	return false
}

// meansBusy reports whether a word names a busy state, by the words before and after it.
func meansBusy(word, before, after string) bool {
	isState := after == "state" || after == "status"
	switch before {
	case "is", "are", "still", "currently", "already", "state", "status", "in":
		isState = true
	}
	switch word {
	case "creating", "updating", "deleting", "building", "pending", "in_progress", "busy":
		return isState
	case "created", "updated", "deleted", "built", "changed", "modified":
		return before == "being"
	case "current":
		return after == "state" || after == "status"
	case "progress":
		return before == "in"
	}
	return false
}

// plainWords returns the words of a message, except for ARNs and quoted values, which may
// contain anything.
func plainWords(text string) []string {
	var words []string
	quote := ""
	for _, field := range strings.Fields(text) {
		begin := strings.TrimLeft(field, "([")
		if quote == "" && strings.ContainsAny(begin[:min(1, len(begin))], `'"`) {
			quote, begin = begin[:1], begin[1:]
		}
		if quote != "" {
			if strings.HasSuffix(strings.TrimRight(begin, ".,;:)]"), quote) {
				quote = ""
			}
			continue
		}
		if strings.HasPrefix(begin, "arn:") {
			continue
		}
		words = append(words, strings.FieldsFunc(field, func(c rune) bool { return (c < 'a' || c > 'z') && c != '_' })...)
	}
	return words
}
