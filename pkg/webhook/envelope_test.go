package webhook_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

func TestParseEnvelope(t *testing.T) {
	t.Parallel()
	const prefs = webhook.PreferencesChanged
	tests := []struct {
		name, body string
		object     webhook.ObjectType
		metric     webhook.Metric
		shape      webhook.Shape
	}{
		{"nothing", `{}`, "", "", webhook.Flat},
		{"nothing but data", `{"data":{}}`, "", "", webhook.Nested},
		{"no metric", `{"object_type":"email","data":{}}`, webhook.Email, "", webhook.Nested},
		{"words", `{"object_type":" EMAIL ","metric":"Sent\n"}`, webhook.Email, webhook.Sent, webhook.Flat},
		{"unknown words", `{"object_type":"Hologram","metric":"Beamed"}`, "hologram", "beamed", webhook.Flat},
		{"words of another type", `{"object_type":7,"metric":[1],"data":{}}`, "7", "", webhook.Nested},
		{"complained", `{"object_type":"email","metric":"complained","data":{}}`, webhook.Email, webhook.Spammed, webhook.Nested},

		{"flat without object type", `{"metric":"unsubscribed"}`, webhook.Email, webhook.Unsubscribed, webhook.Flat},
		{"nested subscribed", `{"metric":"subscribed","data":{}}`, webhook.Customer, webhook.Subscribed, webhook.Nested},
		{"nested unsubscribed", `{"metric":"unsubscribed","data":{}}`, webhook.Customer, webhook.Unsubscribed, webhook.Nested},
		{"nested preferences", `{"metric":"cio_subscription_preferences_changed","data":{}}`, webhook.Customer, prefs, webhook.Nested},
		{"nested preferences, App API", `{"metric":"customer_subscription_preferences_changed","data":{}}`, webhook.Customer, prefs, webhook.Nested},
		{"nested bounced", `{"metric":"bounced","data":{}}`, "", webhook.Bounced, webhook.Nested},
		{"object_type_type", `{"object_type_type":"push","metric":"subscribed","data":{}}`, webhook.Push, webhook.Subscribed, webhook.Nested},
		{"object_type before object_type_type", `{"object_type":"sms","object_type_type":"push","data":{}}`, webhook.SMS, "", webhook.Nested},

		{"backfill", `{"event_id":"backfill:D:bounced","object_type":"email","metric":"bounced","data":{}}`, webhook.Email, webhook.Bounced, webhook.Backfill},
		{"backfill without object type", `{"event_id":"backfill:D:subscribed","metric":"subscribed","data":{}}`, webhook.Customer, webhook.Subscribed, webhook.Backfill},
		{"flat, no backfill", `{"event_id":"backfill:D:bounced","metric":"bounced"}`, webhook.Email, webhook.Bounced, webhook.Flat},
		{"nested, no backfill", `{"event_id":"backfill","metric":"bounced","data":{}}`, "", webhook.Bounced, webhook.Nested},

		{"legacy", `{"event_type":"email_bounced","data":{}}`, webhook.Email, webhook.Bounced, webhook.Legacy},
		{"legacy in_app", `{"event_type":"in_app_clicked"}`, webhook.InApp, webhook.Clicked, webhook.Legacy},
		{"legacy customer", `{"event_type":"customer_unsubscribed"}`, webhook.Customer, webhook.Unsubscribed, webhook.Legacy},
		{"legacy preferences", `{"event_type":"cio_subscription_preferences_changed"}`, webhook.Customer, prefs, webhook.Legacy},
		{"legacy preferences, App API", `{"event_type":"customer_subscription_preferences_changed"}`, webhook.Customer, prefs, webhook.Legacy},
		{"legacy complained", `{"event_type":"email_complained"}`, webhook.Email, webhook.Spammed, webhook.Legacy},
		{"legacy unknown", `{"event_type":"hologram_beamed_up"}`, "hologram", "beamed_up", webhook.Legacy},
		{"legacy without object type", `{"event_type":"bounced"}`, webhook.Email, webhook.Bounced, webhook.Legacy},
		{"legacy half a name", `{"event_type":"email_"}`, webhook.Email, "email_", webhook.Legacy},
		{"legacy other half", `{"event_type":"_sent"}`, webhook.Email, "_sent", webhook.Legacy},
		{"legacy with object type", `{"object_type":"push","event_type":"email_sent"}`, webhook.Push, webhook.Sent, webhook.Legacy},
		{"metric before event_type", `{"metric":"opened","event_type":"push_sent"}`, webhook.Email, webhook.Opened, webhook.Flat},
		{"blank event_type", `{"event_type":" ","data":{}}`, "", "", webhook.Nested},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := parse(t, tt.body)
			if e.ObjectType != tt.object || e.Metric != tt.metric || e.Shape != tt.shape {
				t.Errorf("Parse(%s) = %q %q %s, want %q %q %s",
					tt.body, e.ObjectType, e.Metric, e.Shape, tt.object, tt.metric, tt.shape)
			}
			requireSameEnvelope(t, []byte(tt.body))
		})
	}
}

func TestParseEnvelopeOfSamples(t *testing.T) {
	t.Parallel()
	for _, p := range webhooktest.Payloads() {
		requireSameEnvelope(t, p.Body)
	}
}

// requireSameEnvelope checks that ParseEnvelope and Parse agree.
func requireSameEnvelope(t *testing.T, body []byte) {
	t.Helper()
	e, wantErr := webhook.Parse(body)
	var want webhook.Envelope
	if wantErr == nil {
		want = webhook.Envelope{EventID: e.ID, ObjectType: e.ObjectType, Metric: e.Metric}
	}
	//nolint:errorlint // the same error, not one that wraps it
	if got, err := webhook.ParseEnvelope(body); err != wantErr || got != want {
		t.Errorf("ParseEnvelope(%q) = %+v, %v, but Parse says %+v, %v", body, got, err, want, wantErr)
	}
}

func TestParseEnvelopeKeepsNothing(t *testing.T) {
	t.Parallel()
	body := []byte(`{"event_id":"E","object_type":"email","metric":"sent"}`)
	got, err := webhook.ParseEnvelope(body)
	if err != nil {
		t.Fatal(err)
	}
	clear(body)
	want := webhook.Envelope{EventID: "E", ObjectType: webhook.Email, Metric: webhook.Sent}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("envelope changed with the body (-want +got):\n%s", diff)
	}
}
