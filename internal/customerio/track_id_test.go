package customerio_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// The ids of Track events are frozen: Customer.io drops an event whose id it has
// seen, so a changed id would repeat the event. The cases are an event with an
// event_id and a time, and events that lack the event_id, lack the time, or have an
// impossible time.
func TestTrackIDsAreFrozen(t *testing.T) {
	t.Parallel()
	rules, err := effect.Parse("test.yaml", []byte("version: 1\nrules: [{name: a, when: {metric: bounced}, track: {event: A}}]"))
	if err != nil {
		t.Fatal(err)
	}
	var got []request
	c := serve(t, recorder(t, &got), customerio.Config{})
	for _, body := range []string{
		`{"event_id":"01E4C4CT6YDC7Y5M7FE1GWWPQJ","object_type":"email","metric":"bounced","timestamp":1755600006,"data":{"identifiers":{"cio_id":"d9c1"}}}`,
		`{"object_type":"email","metric":"bounced","timestamp":1755600006,"data":{"identifiers":{"cio_id":"d9c1"}}}`,
		`{"event_id":"01E4C4CT6YDC7Y5M7FE1GWWPQJ","object_type":"email","metric":"bounced","data":{"identifiers":{"cio_id":"d9c1"}}}`,
		`{"event_id":"joe","object_type":"email","metric":"bounced","timestamp":-5,"data":{"identifiers":{"cio_id":"d9c1"}}}`,
	} {
		e, err := webhook.Parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		calls := effect.Policy{Rules: rules}.Suppression(e, at)
		apply(t, c, calls...)
		if failed, err := applyBatch(t, c, calls); err != nil || len(failed) > 0 {
			t.Errorf("batch: %v, %v", failed, err)
		}
	}
	want := []string{
		"01K30YMAVGKPA26FAMFVE75EM6", "01K30YMAVGKPA26FAMFVE75EM6",
		"01K30YMAVGSV17RT5P3Q955PC1", "01K30YMAVGSV17RT5P3Q955PC1",
		"0000000000KPA26FAMFVE75EM6", "0000000000KPA26FAMFVE75EM6",
		"0000000000BTN5Z6NCDF32SJXS", "0000000000BTN5Z6NCDF32SJXS",
	}
	var ids []string
	for _, r := range got {
		id, _ := r.Body["id"].(string)
		if batch, ok := r.Body["batch"].([]any); ok {
			id, _ = batch[0].(map[string]any)["id"].(string)
		}
		ids = append(ids, id)
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("ids, single and in a batch (-want +got):\n%s", diff)
	}
}
