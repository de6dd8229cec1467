package webhook_test

import (
	"fmt"

	"github.com/cioevents/cioevents/pkg/webhook"
)

func ExampleClassifyBounce() {
	for _, message := range []string{
		"550 5.1.1 The email account that you tried to reach does not exist",
		"552 5.2.2 The email account that you tried to reach is over quota",
		"Something went wrong",
	} {
		fmt.Println(webhook.ClassifyBounce(message))
	}
	// Output:
	// hard
	// soft
	// unknown
}
