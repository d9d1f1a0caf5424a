package types_test

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/types"
)

// A member of a union is chosen by its type.
func ExampleLogging() {
	var logging types.Logging = &types.LoggingMemberCloudWatch{Value: types.CloudWatchLogging{LogGroup: aws.String("/shop")}}
	switch logging := logging.(type) {
	case *types.LoggingMemberCloudWatch:
		fmt.Println("log group", *logging.Value.LogGroup)
	case *types.LoggingMemberDisabled:
		fmt.Println("no logs")
	case *types.UnknownUnionMember:
		fmt.Println("this version does not know", logging.Tag)
	}
	// Output: log group /shop
}

func ExampleConflictException() {
	err := fmt.Errorf("call: %w", &types.ConflictException{Message: aws.String("MicroVM Image is already in state: UPDATING")})
	var conflict *types.ConflictException
	if errors.As(err, &conflict) {
		fmt.Println(conflict.ErrorMessage())
	}
	// Output: MicroVM Image is already in state: UPDATING
}

// JSON has the names of the wire.
func ExampleHooks() {
	text, err := json.Marshal(types.Hooks{
		Port:              aws.Int32(9000),
		MicroVMImageHooks: &types.MicroVMImageHooks{Ready: types.HookStateEnabled},
	})
	fmt.Println(string(text), err)
	// Output: {"microvmImageHooks":{"ready":"ENABLED"},"port":9000} <nil>
}
