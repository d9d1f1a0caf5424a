package commands

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/microvm-go/lambdamicrovms/images"
)

// leftover is what continues or remains in AWS after an interruption.
type leftover struct {
	what string
	// Command lines, either may be empty: see lists it or waits for it, end ends or
	// undoes it. A word in capitals in end stands for what see shows.
	see, end string
	// condition of end, such as ", once it has ended"; may be empty.
	condition string
}

// firstVersion is the first version of an image. The service deletes the last version
// that an image has only together with the image.
const firstVersion = "1.0"

// leftover returns what the workflow has left behind.
func (r *workflow) leftover(err error) leftover {
	r.mu.Lock()
	defer r.mu.Unlock()
	var unknown *images.UnknownOutcomeError
	ofImage := func(words ...string) string { return commandLine(r.s, append(words, "--image-identifier", r.image)...) }
	ofVersion := func(version string, words ...string) string {
		return commandLine(r.s, append(words, "--image-identifier", r.image, "--image-version", version)...)
	}
	switch {
	case r.multipart.id != "":
		return leftover{
			what: "parts of the archive may remain in the bucket " + r.multipart.bucket,
			see:  r.multipart.command(r.s, "list-parts"),
			end:  r.multipart.command(r.s, "abort-multipart-upload"),
		}
	case r.version != "":
		left := leftover{
			what:      fmt.Sprintf("the build of version %s of %s continues in AWS and cannot be canceled", r.version, r.image),
			see:       ofVersion(r.version, "wait", "microvm-image-version-successful"),
			end:       ofVersion(r.version, "delete-microvm-image-version"),
			condition: ", once it has ended",
		}
		if r.version == firstVersion {
			left.end = ofImage("delete-microvm-image")
		}
		return left
	case errors.As(err, &unknown) || r.sent:
		left := leftover{what: fmt.Sprintf("a build of %s may have been started", r.image)}
		if strings.HasPrefix(r.image, "arn:") {
			left.see, left.end = ofImage("list-microvm-image-versions"), ofVersion("VERSION", "delete-microvm-image-version")
			left.condition = ", with the new version, once its build has ended"
			return left
		}
		left.see = commandLine(r.s, "list-microvm-images", "--name-filter", r.image)
		left.end = commandLine(r.s, "delete-microvm-image", "--image-identifier", "ARN")
		left.condition = ", with the ARN of the new image, once its build has ended"
		return left
	case r.deleting != "":
		return leftover{
			what: fmt.Sprintf("version %s of %s is being deleted in AWS, which cannot be canceled", r.deleting, r.image),
			see:  ofVersion(r.deleting, "wait", "microvm-image-version-deleted"),
		}
	case r.status != "":
		return leftover{
			what: fmt.Sprintf("version %s of %s may have another status than before", r.status, r.image),
			see:  ofImage("list-microvm-image-versions"),
			end:  ofVersion(r.status, "update-microvm-image-version", "--status", "ACTIVE"),
		}
	}
	return leftover{}
}

// interrupted says what is still running in AWS, and how to end it.
func (r *workflow) interrupted(err error) {
	r.told.Do(func() { r.tell(r.leftover(err)) })
}

// killed says the same when a signal ends the program before the workflow has ended.
func (r *workflow) killed() {
	left := r.leftover(nil)
	if left.what == "" {
		return
	}
	r.told.Do(func() {
		if r.events == nil {
			fmt.Fprintln(r.s.Stderr) // the signal can come in the middle of a line
		}
		r.tell(left)
	})
}

func (r *workflow) tell(left leftover) {
	if r.events != nil {
		r.events.Write("interrupted", struct {
			Running string `json:"running,omitempty"`
			See     string `json:"see,omitempty"`
			End     string `json:"end,omitempty"`
			// Condition of End.
			Condition string `json:"condition,omitempty"`
		}{left.what, left.see, left.end, strings.TrimPrefix(left.condition, ", ")})
		return
	}
	if left.what == "" {
		fmt.Fprintln(r.s.Stderr, "Interrupted. Nothing is still running in AWS.")
		return
	}
	text := "Interrupted: " + left.what + ".\n"
	if left.see != "" {
		text += "To see it:\n  " + left.see + "\n"
	}
	if left.end != "" {
		text += "To end or undo it" + left.condition + ":\n  " + left.end + "\n"
	}
	_, _ = io.WriteString(r.s.Stderr, text)
}
