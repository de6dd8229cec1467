package webhook_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// parse calls Parse for a body that is an object. It checks that Raw is the body and then
// clears Raw.
func parse(t *testing.T, body string) webhook.Event {
	t.Helper()
	e, err := webhook.Parse([]byte(body))
	if err != nil {
		t.Fatalf("Parse(%s): %v", body, err)
	}
	if got := string(e.Raw); got != body {
		t.Errorf("Raw = %q, want the body %q", got, body)
	}
	e.Raw = nil
	return *e
}

func TestParseNested(t *testing.T) {
	t.Parallel()
	got := parse(t, string(webhooktest.Get("email_clicked_machine")))
	want := webhook.Event{
		ID:             "01J00000000000000000000004",
		ObjectType:     webhook.Email,
		Metric:         webhook.Clicked,
		OccurredAt:     time.Unix(1755600004, 0).UTC(),
		Shape:          webhook.Nested,
		CustomerID:     "42",
		Identifiers:    webhook.Identifiers{ID: "42", Email: "test@example.com", CioID: "d9c106000001"},
		DeliveryID:     "RPIyMTM6OjEyMzQ=",
		Recipient:      "test@example.com",
		Subject:        "Thanks for signing up",
		CampaignID:     5,
		ActionID:       96,
		ParentActionID: 1,
		TriggerEventID: "21E4C3CT6YDC7Y4N7FE1GWWABC",
		JourneyID:      "01GW20GXAAXBKZD8J96M8FNV3R",
		Href:           "https://docs.customer.io",
		LinkID:         1,
		Machine:        new(true),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event differs (-want +got):\n%s", diff)
	}
}

// A distinct value for each field that the samples lack.
func TestParseEveryField(t *testing.T) {
	t.Parallel()
	got := parse(t, `{"event_id":"E","object_type":"push","metric":"sent","timestamp":1755600000,"data":{
		"customer_id":"c","identifiers":{"id":"i","email":"m","phone":"p","cio_id":"o"},"email_address":"a",
		"delivery_id":"d","recipient":"r","subject":"s",
		"recipients":[{"device_id":"1","device_platform":"ios"},{"device_id":"2","device_platform":"android","failure_message":"f"}],
		"campaign_id":1,"broadcast_id":2,"newsletter_id":3,"transactional_message_id":4,"action_id":5,
		"parent_action_id":6,"content_id":7,"template_id":8,"trigger_id":9,"trigger_event_id":"te","journey_id":"j",
		"href":"h","link_id":10,"tracked_response":"tr","failure_message":"fm","inbound_event_id":"in","to":"to",
		"proxied":true,"prefetched":false,"synthetic":true,"machine":false,
		"content":"<p>\u00e9</p>","headers":{"X-A":["1","2"],"X-B":"3","X-C":[]}}}`)
	want := webhook.Event{
		ID: "E", ObjectType: webhook.Push, Metric: webhook.Sent, Shape: webhook.Nested,
		OccurredAt: time.Unix(1755600000, 0).UTC(),
		CustomerID: "c", Identifiers: webhook.Identifiers{ID: "i", Email: "m", Phone: "p", CioID: "o"}, EmailAddress: "a",
		DeliveryID: "d", Recipient: "r", Subject: "s",
		Recipients: []webhook.Recipient{
			{DeviceID: "1", DevicePlatform: "ios"},
			{DeviceID: "2", DevicePlatform: "android", FailureMessage: "f"},
		},
		CampaignID: 1, BroadcastID: 2, NewsletterID: 3, TransactionalMessageID: 4, TransactionalMessage: "4", ActionID: 5,
		ParentActionID: 6, ContentID: 7, TemplateID: "8", TriggerID: "9", TriggerEventID: "te", JourneyID: "j",
		Href: "h", LinkID: 10, TrackedResponse: "tr", FailureMessage: "fm", InboundEventID: "in", To: "to",
		Proxied: new(true), Prefetched: new(false), Synthetic: new(true), Machine: new(false),
		Content: "<p>é</p>", Headers: map[string][]string{"X-A": {"1", "2"}, "X-B": {"3"}, "X-C": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event differs (-want +got):\n%s", diff)
	}
}

func TestParseFlat(t *testing.T) {
	t.Parallel()
	got := parse(t, string(webhooktest.Get("flat_clicked")))
	want := webhook.Event{
		ID:           "01J00000000000000000000029",
		ObjectType:   webhook.Email,
		Metric:       webhook.Clicked,
		OccurredAt:   time.Unix(1755600029, 0).UTC(),
		Shape:        webhook.Flat,
		CustomerID:   "42",
		EmailAddress: "test@example.com",
		DeliveryID:   "RPIyMTM6OjEyMzQ=",
		Subject:      "Thanks for signing up",
		CampaignID:   5,
		TemplateID:   "17",
		Href:         "https://example.com/?a=1&b=%20c",
		LinkID:       2,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event differs (-want +got):\n%s", diff)
	}
}

func TestParseLegacy(t *testing.T) {
	t.Parallel()
	got := parse(t, string(webhooktest.Get("legacy_email_bounced")))
	want := webhook.Event{
		ID:             "01J00000000000000000000030",
		ObjectType:     webhook.Email,
		Metric:         webhook.Bounced,
		OccurredAt:     time.Unix(1755600030, 0).UTC(),
		Shape:          webhook.Legacy,
		CustomerID:     "42",
		EmailAddress:   "test@example.com",
		Subject:        "Thanks for signing up",
		CampaignID:     5,
		TemplateID:     "17",
		FailureMessage: "550 5.1.1 The email account that you tried to reach does not exist",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("event differs (-want +got):\n%s", diff)
	}
}

func TestParseWhereFieldsLie(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       webhook.Event
	}{
		{
			"empty object", `{}`,
			webhook.Event{Shape: webhook.Flat},
		},
		{
			"trigger_event_id on the top level", `{"trigger_event_id":"t","data":{}}`,
			webhook.Event{Shape: webhook.Nested, TriggerEventID: "t"},
		},
		{
			"data counts", `{"data":{"href":"inner"},"href":"outer","subject":"outer"}`,
			webhook.Event{Shape: webhook.Nested, Href: "inner", Subject: "outer"},
		},
		{
			"the last of equal keys counts", `{"href":"1","href":"2","campaign_id":1,"campaign_id":null}`,
			webhook.Event{Shape: webhook.Flat, Href: "2"},
		},
		{
			"the last data counts", `{"data":{"href":"1"},"data":null,"subject":"s"}`,
			webhook.Event{Shape: webhook.Nested, Subject: "s"},
		},
		{
			"escaped keys", `{"event\u005fid":"E","d\u0061ta":{"hr\u0065f":"h"}}`,
			webhook.Event{ID: "E", Shape: webhook.Nested, Href: "h"},
		},
		{
			"legacy without data", `{"event_type":"email_opened","campaign_id":3}`,
			webhook.Event{ObjectType: webhook.Email, Metric: webhook.Opened, Shape: webhook.Legacy, CampaignID: 3},
		},
		{
			"campaign_id before variables", `{"event_type":"email_opened","data":{"campaign_id":3,"variables":{"campaign":{"id":4}}}}`,
			webhook.Event{ObjectType: webhook.Email, Metric: webhook.Opened, Shape: webhook.Legacy, CampaignID: 3},
		},
		{
			"containers of the wrong type", `{"data":{"identifiers":["a"],"recipients":{"device_id":"a"},"headers":[1],"variables":[1]},"event_type":"sms_sent"}`,
			webhook.Event{ObjectType: webhook.SMS, Metric: webhook.Sent, Shape: webhook.Legacy},
		},
		{
			"elements of the wrong type", `{"recipients":[1,null,"a",[],{"device_id":5}]}`,
			webhook.Event{Shape: webhook.Flat, Recipients: []webhook.Recipient{{DeviceID: "5"}}},
		},
		{
			"data is a list", `{"data":["a"],"metric":"sent"}`,
			webhook.Event{Metric: webhook.Sent, Shape: webhook.Nested},
		},
		{
			"data is null", `{"event_id":"p8","timestamp":1760000000,"metric":"sent","data":null}`,
			webhook.Event{ID: "p8", Metric: webhook.Sent, OccurredAt: time.Unix(1760000000, 0).UTC(), Shape: webhook.Nested},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, parse(t, tt.body)); diff != "" {
				t.Errorf("Parse(%s) differs (-want +got):\n%s", tt.body, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body string
		want error
	}{
		{"", webhook.ErrNotJSON},
		{" \n", webhook.ErrNotJSON},
		{"{", webhook.ErrNotJSON},
		{`{"metric":"sent"`, webhook.ErrNotJSON},
		{`{"metric":"sent",}`, webhook.ErrNotJSON},
		{`{"metric":"sent"} x`, webhook.ErrNotJSON},
		{`{}{}`, webhook.ErrNotJSON},
		{"[1", webhook.ErrNotJSON},
		{"metric=sent", webhook.ErrNotJSON},
		{"v0:1:{}", webhook.ErrNotJSON},
		{"\ufeff{}", webhook.ErrNotJSON},
		{"[]", webhook.ErrNotObject},
		{` [{"metric":"sent"}] `, webhook.ErrNotObject},
		{"null", webhook.ErrNotObject},
		{"42", webhook.ErrNotObject},
		{`"{}"`, webhook.ErrNotObject},
	}
	for _, tt := range tests {
		if e, err := webhook.Parse([]byte(tt.body)); !errors.Is(err, tt.want) || e != nil {
			t.Errorf("Parse(%q) = %v, %v, want %v", tt.body, e, err, tt.want)
		}
		if _, err := webhook.ParseEnvelope([]byte(tt.body)); !errors.Is(err, tt.want) {
			t.Errorf("ParseEnvelope(%q): %v, want %v", tt.body, err, tt.want)
		}
	}
}

// A program that reuses an event must not see the event before.
func TestParseIntoReplacesTheEvent(t *testing.T) {
	t.Parallel()
	var reused webhook.Event
	for _, p := range webhooktest.Payloads() {
		for _, body := range [][]byte{p.Body, []byte(`{}`)} {
			want, err := webhook.Parse(body)
			if err != nil {
				t.Fatal(err)
			}
			if err := webhook.ParseInto(&reused, body); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(*want, reused); diff != "" {
				t.Errorf("%s (-Parse +ParseInto):\n%s", p.Name, diff)
			}
		}
	}
}

//nolint:paralleltest // AllocsPerRun counts the allocations of all goroutines
func TestParseIntoCopiesNoText(t *testing.T) {
	body := []byte(`{"event_id":"01E","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"recipient":"ann@acme.com","subject":"Grüße","campaign_id":5}}`)
	var e webhook.Event
	if n := testing.AllocsPerRun(100, func() {
		if err := webhook.ParseInto(&e, body); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("ParseInto allocates %v times; want none: the texts are parts of the body", n)
	}
}
