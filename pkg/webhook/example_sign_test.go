package webhook_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// Sign requests in the tests of your own receiver.
func ExampleSignRequest() {
	body := []byte(`{"event_id":"abc","object_type":"email","metric":"delivered"}`)
	h := make(http.Header)
	webhook.SignRequest(h, "signing-secret", time.Unix(1614265384, 0), body)
	fmt.Println(h.Get(webhook.HeaderTimestamp))
	fmt.Println(h.Get(webhook.HeaderSignature))
	// Output:
	// 1614265384
	// 6f55cf23f9b73a2ff07733fe04421f64ce9ec5e409696edda6b2a80311944230
}
