package webhook_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// benchBody is a click of a campaign, about 600 bytes.
func benchBody(b *testing.B) []byte {
	b.Helper()
	for body := range (webhooktest.Campaign{Deliveries: 1000}).Events() {
		if bytes.Contains(body, []byte(`"metric":"clicked"`)) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			return body
		}
	}
	b.Fatal("no click in the campaign")
	return nil
}

func BenchmarkParse(b *testing.B) {
	body := benchBody(b)
	for b.Loop() {
		if _, err := webhook.Parse(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseInto(b *testing.B) {
	body := benchBody(b)
	var e webhook.Event
	for b.Loop() {
		if err := webhook.ParseInto(&e, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseEnvelope(b *testing.B) {
	body := benchBody(b)
	for b.Loop() {
		if _, err := webhook.ParseEnvelope(body); err != nil {
			b.Fatal(err)
		}
	}
}

// For comparison: the time of the standard library to validate the same body.
func BenchmarkEncodingJSONValid(b *testing.B) {
	body := benchBody(b)
	for b.Loop() {
		if !json.Valid(body) {
			b.Fatal("not valid")
		}
	}
}

func BenchmarkStrip(b *testing.B) {
	body := benchBody(b)
	for b.Loop() {
		if _, fields := webhook.Strip(body); fields != nil {
			b.Fatal("something was cut")
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	body := benchBody(b)
	v := verifier(b, webhook.VerifierConfig{})
	h := make(http.Header)
	webhook.SignRequest(h, secret, sent, body)
	for b.Loop() {
		if _, err := v.Verify(h, body, sent); err != nil {
			b.Fatal(err)
		}
	}
}
