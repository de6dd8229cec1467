package operate

import (
	"errors"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// SignedBy returns the index of the key that signed the body of a captured call with
// these headers; timestamp is "" for a call without the header. The error is an
// InputError if the keys cannot be used.
func SignedBy(keys []string, signature, timestamp string, body []byte) (int, error) {
	v, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: keys, Scheme: webhook.SchemeAuto, Tolerance: webhook.AnyAge})
	if err != nil {
		return 0, &InputError{"customerio-webhook-secret", err}
	}
	key, err := v.VerifySignature(signature, timestamp, body, time.Now())
	if errors.Is(err, webhook.ErrMalformedHeader) {
		return 0, fmt.Errorf("not verified: %w; find the proxy that changes the header", err)
	}
	if err != nil {
		return 0, fmt.Errorf("not signed by any of the %d keys over these %d bytes: %w; give the exact bytes of the call: a body that was parsed and written again, or that has an additional newline, does not verify", len(keys), len(body), err)
	}
	return key, nil
}
