// Package webhooktest helps to test a receiver of Customer.io's reporting webhooks. It
// has sample bodies, signed requests, and simulated messages with their expected numbers: an
// e-mail campaign, and a mix of all kinds of messages. All data is made up.
package webhooktest

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

//go:embed payloads/*.json
var files embed.FS

// A Payload is a sample body.
type Payload struct {
	// Name describes the body, for example "email_bounced_hard" or "flat_clicked".
	Name string
	Body []byte
}

// Payloads returns all sample bodies, sorted by name: most pairs of object type and
// metric, the flat and the legacy shape, and an event with unknown words. The event ids
// differ. The caller may change the bodies.
func Payloads() []Payload {
	entries, err := files.ReadDir("payloads")
	if err != nil {
		panic(err)
	}
	all := make([]Payload, 0, len(entries))
	for _, entry := range entries {
		name := strings.TrimSuffix(entry.Name(), ".json")
		all = append(all, Payload{Name: name, Body: Get(name)})
	}
	return all
}

// Get returns the body of the sample with the name. Get panics if no sample has the
// name. The caller may change the body.
func Get(name string) []byte {
	body, err := files.ReadFile("payloads/" + name + ".json")
	if err != nil {
		panic(fmt.Sprintf("webhooktest: no payload %q", name))
	}
	return body
}

// NewRequest returns a POST request with the body to the URL, signed with the key and the
// timestamp as Customer.io signs. The only error is that of
// http.NewRequestWithContext.
func NewRequest(ctx context.Context, url, key string, timestamp time.Time, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	webhook.SignRequest(r.Header, key, timestamp, body)
	return r, nil
}
