package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// A receiver with net/http. Frameworks mount the same handler:
//
//	chi   r.Method(http.MethodPost, "/hooks", handler)
//	gin   r.POST("/hooks", gin.WrapH(handler))
//	echo  e.POST("/hooks", echo.WrapHandler(handler))
//
// Mount the handler outside of middleware that reads or changes the body.
func ExampleHandler() {
	verifier, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{"signing-secret"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	handler := webhook.Handler(verifier, func(_ context.Context, e *webhook.Event) error {
		switch {
		case e.Shape == webhook.Unreadable:
			fmt.Println("keep", string(e.Raw))
		case e.Metric == webhook.Deferred:
			return errors.New("the disk is full")
		default:
			fmt.Println(e.ObjectType, e.Metric, e.Identifiers.CioID)
		}
		return nil
	})
	http.Handle("POST /hooks", handler)

	for _, body := range [][]byte{
		webhooktest.Get("email_opened_human"), webhooktest.Get("sms_replied"), webhooktest.Get("email_deferred"), []byte("[]"),
	} {
		r := httptest.NewRequest(http.MethodPost, "/hooks", bytes.NewReader(body))
		webhook.SignRequest(r.Header, "signing-secret", time.Now(), body)
		w := httptest.NewRecorder()
		http.DefaultServeMux.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// email opened d9c106000001
	// 200
	// sms replied d9c106000001
	// 200
	// 503
	// keep []
	// 200
}
