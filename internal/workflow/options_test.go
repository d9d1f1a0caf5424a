package workflow_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

func TestOptionCheck(t *testing.T) {
	for _, test := range []struct {
		name  string
		check func(*workflow.OptionCheck)
		want  []string // violations
	}{
		{"on the bound", func(c *workflow.OptionCheck) {
			workflow.AtLeast(c, "Wait", 0, 0*time.Second)
			workflow.Between(c, "Rate", 1, 1.0, 2)
			workflow.Between(c, "Rate", 2, 1.0, 2)
		}, nil},
		{"negative", func(c *workflow.OptionCheck) { workflow.AtLeast(c, "Wait", -time.Second, 0) },
			[]string{"RunOptions.Wait must be at least 0s, given -1s"}},
		{"not a number", func(c *workflow.OptionCheck) {
			workflow.AtLeast(c, "Rate", math.NaN(), 1)
			workflow.Between(c, "Share", math.NaN(), 0, 1)
		}, []string{"RunOptions.Rate must be at least 1, given NaN", "RunOptions.Share must be 0 to 1, given NaN"}},
		{"infinite", func(c *workflow.OptionCheck) { workflow.Between(c, "Rate", math.Inf(1), 0, 1) },
			[]string{"RunOptions.Rate must be 0 to 1, given +Inf"}},
		{"below and above", func(c *workflow.OptionCheck) {
			workflow.Between(c, "Port", 0, 1, 65535)
			workflow.Between(c, "Port", 65536, 1, 65535)
		}, []string{"RunOptions.Port must be 1 to 65535, given 0", "RunOptions.Port must be 1 to 65535, given 65536"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := workflow.CheckOptions("RunOptions")
			test.check(c)
			var got []string
			for _, violation := range lambdamicrovms.Violations(c.Err()) {
				got = append(got, violation.Error())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
			if (c.Err() == nil) != (test.want == nil) {
				t.Errorf("error = %v", c.Err())
			}
		})
	}
}
