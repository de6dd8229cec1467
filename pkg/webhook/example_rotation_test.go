package webhook_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// During a rotation list the old and the new key. Verify returns the index of the key
// that signed the request.
func Example_keyRotation() {
	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{
		Keys: []string{"new-key", "old-key"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	body := []byte(`{"metric":"sent"}`)
	for _, key := range []string{"old-key", "new-key", "stranger's key"} {
		h := make(http.Header)
		webhook.SignRequest(h, key, time.Now(), body)
		fmt.Println(verifier.Verify(h, body, time.Now()))
	}
	// Output:
	// 1 <nil>
	// 0 <nil>
	// -1 webhook: invalid signature
}
