package webhooktest_test

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// The name of each sample must describe its body.
func TestPayloadsAreWhatTheirNamesSay(t *testing.T) {
	t.Parallel()
	ids := make(map[string]string)
	for _, p := range webhooktest.Payloads() {
		e, err := webhook.Parse(p.Body)
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		if other, ok := ids[e.ID]; ok || e.ID == "" {
			t.Errorf("%s and %q have the id %q", p.Name, other, e.ID)
		}
		ids[e.ID] = p.Name
		if e.OccurredAt.IsZero() || e.CustomerID == "" && e.Identifiers.CioID == "" {
			t.Errorf("%s has no person or no time: %+v", p.Name, e)
		}
		if want := nameOf(e); !strings.HasPrefix(p.Name, want) {
			t.Errorf("%s is %s", p.Name, want)
		}
	}
}

func nameOf(e *webhook.Event) string {
	name := string(e.ObjectType) + "_" + string(e.Metric)
	switch {
	case e.Shape == webhook.Flat:
		return "flat_" + string(e.Metric)
	case e.Shape == webhook.Legacy:
		return "legacy_" + name
	case e.ObjectType == "hologram":
		return "unknown_"
	default:
		return name
	}
}

func TestPayloadsAreSortedCopies(t *testing.T) {
	t.Parallel()
	byName := func(a, b webhooktest.Payload) int { return strings.Compare(a.Name, b.Name) }
	first := webhooktest.Payloads()
	if len(first) < 30 || !slices.IsSortedFunc(first, byName) {
		t.Errorf("%d payloads, want 30 in order", len(first))
	}
	clear(first[0].Body)
	if second := webhooktest.Payloads(); second[0].Body[0] != '{' {
		t.Error("the next caller sees a change of a body")
	}
}

func TestGetPanics(t *testing.T) {
	t.Parallel()
	defer func() {
		if r := recover(); r != `webhooktest: no payload "email_imagined"` {
			t.Errorf("Get panics with %v", r)
		}
	}()
	webhooktest.Get("email_imagined")
}

func TestNewRequest(t *testing.T) {
	t.Parallel()
	body, now := webhooktest.Get("email_spammed"), time.Unix(1755600010, 0)
	r, err := webhooktest.NewRequest(t.Context(), "http://localhost/webhooks", "key", now, body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r.Body)
	if err != nil || !bytes.Equal(got, body) || r.Method != http.MethodPost {
		t.Errorf("%s %q, %v, want a POST of the payload", r.Method, got, err)
	}
	v, err := webhook.NewVerifier(webhook.VerifierConfig{Keys: []string{"key"}, Tolerance: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Verify(r.Header, got, now); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if _, err := webhooktest.NewRequest(t.Context(), "://", "key", now, body); err == nil {
		t.Error("an invalid URL is no error")
	}
}
