package customerio_test

import (
	"maps"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

var byPhone = effect.Person{Kind: effect.Phone, Value: "+15551234567"}

// In a path of version 1 the API takes a phone number for an id, so calls about a phone
// number go to version 2.
func TestPhoneOnTheWire(t *testing.T) {
	t.Parallel()
	e, err := webhook.Parse([]byte(`{"event_id":"r8","object_type":"sms","metric":"unsubscribed","timestamp":1760000000,"data":{"identifiers":{"id":null,"email":null,"phone":"+15551234567"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	calls := effect.Policy{}.Suppression(e, time.Unix(1760000060, 0))
	var got []request
	c := serve(t, recorder(t, &got), customerio.Config{})
	apply(t, c, append(calls, track(byPhone, "01E4C4CT6YDC7Y5M7FE1GWWPQJ"), suppress(byPhone))...)
	if failed, err := applyBatch(t, c, calls); err != nil || len(failed) > 0 {
		t.Fatalf("errors %v, %v", failed, err)
	}

	entity := func(action string, more map[string]any) map[string]any {
		body := map[string]any{"type": "person", "action": action, "identifiers": map[string]any{"phone": "+15551234567"}}
		maps.Copy(body, more)
		return body
	}
	optOut := entity("identify", map[string]any{
		"timestamp": 1760000000.0, "attributes": map[string]any{"unsubscribed": true, "unsubscribed_at": 1760000000.0, "_update": true},
	})
	post := func(uri string, body map[string]any) request {
		return request{Method: "POST", URI: uri, UserAgent: "cioevents", User: "site", Password: "key", Body: body}
	}
	want := []request{
		post("/api/v2/entity", optOut),
		post("/api/v2/entity", entity("event", map[string]any{
			"timestamp": 1755600006.0, "name": "email_bounced", "id": "01E4C4CT6YDC7Y5M7FE1GWWPQJ", "attributes": map[string]any{"class": "hard"},
		})),
		post("/api/v2/entity", entity("suppress", nil)),
		post("/api/v2/batch", map[string]any{"batch": []any{optOut}}),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestPersonWithAPhone(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{})
	fake.Seed(customeriotest.Profile{CioID: "c1", Phone: byPhone.Value})
	c := serve(t, fake, customerio.Config{})
	late := identify(byPhone)
	late.At, late.Attributes = at.Add(-time.Hour), map[string]any{"spam_complaint": false}
	apply(t, c, identify(byPhone), late)
	p, ok := fake.Profile(byPhone.Value)
	if want := map[string]any{"spam_complaint": true, "spam_complaint_at": at.Unix()}; !ok || cmp.Diff(want, p.Attributes) != "" {
		t.Errorf("profile %+v, %v", p, ok)
	}
	apply(t, c, suppress(byPhone), identify(byPhone))
	if _, ok := fake.Profile("cio_c1"); ok || !fake.Suppressed(byPhone.Value) {
		t.Error("the person is not suppressed")
	}
	if n := len(fake.Profiles()); n != 0 {
		t.Errorf("there are %d profiles, want none", n)
	}
}

// A workspace without phone numbers as identifiers refuses each call for good, and no
// other call.
func TestWorkspaceWithoutPhones(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{NoPhones: true})
	fake.Seed(customeriotest.Profile{ID: byID.Value})
	c := serve(t, fake, customerio.Config{})
	for _, call := range []effect.Call{identify(byPhone), suppress(byPhone)} {
		err := c.Apply(t.Context(), call)
		if class(err) != "permanent rejected" {
			t.Errorf("%s: %v, want a permanent refusal", call.Kind, err)
		}
		discreet(t, err)
	}
	failed, err := applyBatch(t, c, []effect.Call{identify(byID), identify(byPhone)})
	if err != nil || len(failed) != 1 || failed[1] != "permanent rejected" {
		t.Errorf("batch: errors %v, %v, want the second call refused", failed, err)
	}
}
