package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// A receiver answers 401 to a call without a valid signature, 503 if it cannot store the
// body, and otherwise 200. It also stores a body that it cannot parse: see Answers above.
type receiver struct {
	verifier *webhook.Verifier
	store    func(ctx context.Context, e *webhook.Event) error
}

func (rc *receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if _, err := rc.verifier.Verify(r.Header, body, time.Now()); err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	event, err := webhook.Parse(body)
	if err != nil {
		event = &webhook.Event{Raw: body}
	}
	if err := rc.store(r.Context(), event); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func Example_handler() {
	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{
		Keys:      []string{"signing-secret"},
		Tolerance: 8 * 24 * time.Hour,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := &receiver{verifier: verifier, store: func(_ context.Context, e *webhook.Event) error {
		if e.Metric == webhook.Deferred {
			return errors.New("the disk is full")
		}
		fmt.Println(e.ObjectType, e.Metric, e.Identifiers.CioID)
		return nil
	}}

	for _, name := range []string{"email_opened_human", "sms_replied", "email_deferred"} {
		body := webhooktest.Get(name)
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		webhook.SignRequest(r.Header, "signing-secret", time.Now(), body)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// email opened d9c106000001
	// 200
	// sms replied d9c106000001
	// 200
	// 503
}
