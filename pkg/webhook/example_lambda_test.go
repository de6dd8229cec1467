package webhook_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// A functionRequest has the fields of an AWS Lambda function URL's request that matter.
// Lambda spells the names of headers in lower case.
type functionRequest struct {
	Headers         map[string]string
	Body            string
	IsBase64Encoded bool
}

// respond returns the status of the answer.
func respond(ctx context.Context, v *webhook.Verifier, r functionRequest, store func(context.Context, *webhook.Event) error) (status int) {
	body := []byte(r.Body)
	if r.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(r.Body); err != nil {
			return 503
		}
	}
	if _, err := v.VerifySignature(r.Headers["x-cio-signature"], r.Headers["x-cio-timestamp"], body, time.Now()); err != nil {
		return 401
	}
	event, err := webhook.Parse(body)
	if err != nil {
		event = &webhook.Event{Raw: body, Shape: webhook.Unreadable} // keep the bytes: see Answers
	}
	if err := store(ctx, event); err != nil {
		return 503
	}
	return 200
}

// A receiver without net/http, here for a function URL of AWS Lambda. Recover from panics
// in a program of your own: Lambda answers 502, and Customer.io then waits an hour.
func ExampleVerifier_VerifySignature() {
	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{"signing-secret"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := webhooktest.Get("email_clicked_human")
	now := time.Now()
	request := functionRequest{
		Headers: map[string]string{
			"x-cio-timestamp": fmt.Sprint(now.Unix()),
			"x-cio-signature": webhook.Sign("signing-secret", now, body),
		},
		Body:            base64.StdEncoding.EncodeToString(body),
		IsBase64Encoded: true,
	}
	status := respond(context.Background(), verifier, request, func(_ context.Context, e *webhook.Event) error {
		fmt.Println(e.ObjectType, e.Metric)
		return nil
	})
	fmt.Println(status)
	// Output:
	// email clicked
	// 200
}
