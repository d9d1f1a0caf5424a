package iam_test

import (
	"encoding/json"
	"fmt"

	"github.com/microvm-go/lambdamicrovms/iam"
)

// Print the policy of a program that rolls back images.
func ExampleNewPolicy() {
	policy, err := iam.NewPolicy(iam.Scope{
		Region:  "us-east-1",
		Account: "123456789012",
		Images:  []string{"shop"},
	}, iam.Rollback)
	if err != nil {
		panic(err)
	}
	text, err := json.MarshalIndent(policy, "", "  ")
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))
	// Output:
	// {
	//   "Version": "2012-10-17",
	//   "Statement": [
	//     {
	//       "Sid": "Images",
	//       "Effect": "Allow",
	//       "Action": [
	//         "lambda:GetMicrovmImage",
	//         "lambda:ListMicrovmImageVersions",
	//         "lambda:UpdateMicrovmImageVersion"
	//       ],
	//       "Resource": [
	//         "arn:aws:lambda:us-east-1:123456789012:microvm-image:shop"
	//       ]
	//     }
	//   ]
	// }
}

// List the actions of a workflow and of an operation.
func ExampleActions() {
	actions, err := iam.Actions(iam.Sweep, "GetMicroVM")
	if err != nil {
		panic(err)
	}
	fmt.Println(actions)
	// Output: [lambda:GetMicrovm lambda:ListMicrovms lambda:TerminateMicrovm]
}
