module github.com/microvm-go/lambdamicrovms/internal/configtest

go 1.24

require github.com/microvm-go/lambdamicrovms v0.0.0

// The tests run against the tree that they stand in.
replace github.com/microvm-go/lambdamicrovms => ../../
