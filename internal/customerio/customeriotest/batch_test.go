package customeriotest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

func batchOf(items ...string) string { return `{"batch":[` + strings.Join(items, ",") + `]}` }

func item(identifiers, more string) string {
	return fmt.Sprintf(`{"type":"person","identifiers":{%s},%s}`, identifiers, more)
}

func TestBatch(t *testing.T) {
	t.Parallel()
	f := newFake(customeriotest.Config{}, joe, sue)
	w := send(f, "POST", "/api/v2/batch", batchOf(
		item(`"cio_id":"c1"`, `"action":"identify","timestamp":200,"attributes":{"a":"late","_timestamp":300}`),
		item(`"id":42`, `"action":"identify","timestamp":100,"attributes":{"a":"early","b":1}`),
		item(`"email":"nobody@example.com"`, `"action":"identify","attributes":{"a":1,"_update":true}`),
		item(`"email":"SUE@example.com"`, `"action":"suppress"`),
		item(`"id":"42"`, `"action":"event","name":"bought","id":"e1"`),
		item(`"id":"42"`, `"action":"event","name":"bought","id":"e1"`),
	))
	if w.Code != 200 || strings.TrimSpace(w.Body.String()) != "{}" {
		t.Errorf("answer %d %s, want 200 {}", w.Code, w.Body)
	}
	expect(t, f, with(joe, values{"a": "late", "b": int64(1)}))
	want := customeriotest.Counts{Identify: 3, Suppress: 1, Event: 2, Ignored: 1, Requests: 1}
	if diff := cmp.Diff(want, f.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}

// The fake accepts the valid items of a batch and names the index of each invalid item.
func TestBatchInPart(t *testing.T) {
	t.Parallel()
	good := item(`"id":"42"`, `"action":"identify","attributes":{"a":1}`)
	for name, bad := range map[string]string{
		"type":          `{"type":"object","action":"identify"}`,
		"action":        item(`"id":"42"`, `"action":"dance"`),
		"no identifier": item(``, `"action":"identify"`),
		"phone":         item(`"phone":"15551234567"`, `"action":"identify"`),
		"two":           item(`"id":"42","email":"joe@example.com"`, `"action":"identify"`),
		"long value":    item(`"id":"42"`, `"action":"identify","attributes":{"a":"`+strings.Repeat("x", 1001)+`"}`),
		"event":         item(`"id":"42"`, `"action":"event"`),
		"large":         item(`"id":"42"`, `"action":"event","name":"bought","attributes":{"a":"`+strings.Repeat("x", 32_000)+`"}`),
		"no object":     `7`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(customeriotest.Config{}, joe)
			w := send(f, "POST", "/api/v2/batch", batchOf(good, bad, good))
			var body struct {
				Errors []struct {
					BatchIndex *int `json:"batch_index"`
					Reason     string
				}
			}
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || w.Code != 207 || len(body.Errors) != 1 || *body.Errors[0].BatchIndex != 1 {
				t.Errorf("answer %d %s, want 207 and the place 1", w.Code, w.Body)
			}
			if got := f.Counts(); got.Identify != 2 {
				t.Errorf("counts %+v, want 2 identified", got)
			}
		})
	}
}

func TestBatchAsAWhole(t *testing.T) {
	t.Parallel()
	pad := func(n int) string { return batchOf() + strings.Repeat(" ", n-len(batchOf())) }
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"no JSON": {`{`, 400}, "no batch": {`{}`, 400}, "a list": {`[]`, 400}, "empty": {batchOf(), 200},
		"just small enough": {pad(499_999), 200}, "too large": {pad(500_000), 400},
	} {
		if w := send(newFake(customeriotest.Config{}), "POST", "/api/v2/batch", c.body); w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
	}
}

func TestEntity(t *testing.T) {
	t.Parallel()
	const phone = "+15551234567"
	person := with(joe, values{"a": int64(1)})
	person.Phone = phone
	seeded := joe
	seeded.Phone = phone
	f := newFake(customeriotest.Config{}, seeded)
	for name, c := range map[string]struct {
		body string
		want int
	}{
		"phone":          {item(`"phone":"`+phone+`"`, `"action":"identify","attributes":{"a":1,"_update":true}`), 200},
		"unknown phone":  {item(`"phone":"+15550000000"`, `"action":"identify","attributes":{"a":2,"_update":true}`), 200},
		"no E.164":       {item(`"phone":"15551234567"`, `"action":"identify"`), 400},
		"two":            {item(`"phone":"`+phone+`","id":"42"`, `"action":"identify"`), 400},
		"unknown action": {item(`"phone":"`+phone+`"`, `"action":"dance"`), 400},
		"no JSON":        {`{`, 400},
		"large":          {item(`"id":"42"`, `"action":"event","name":"`+strings.Repeat("x", 32_000)+`"`), 400},
	} {
		if w := send(f, "POST", "/api/v2/entity", c.body); w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, c.want)
		}
	}
	// In a path a phone number is an id.
	do(t, f, "PUT", phone, `{"a":3,"_update":true}`)
	do(t, f, "POST", phone+"/suppress", "")
	expect(t, f, person)
	if w := send(f, "POST", "/api/v2/entity", item(`"phone":"`+phone+`"`, `"action":"suppress"`)); w.Code != 200 {
		t.Errorf("suppress: %d %s", w.Code, w.Body)
	}
	expect(t, f)
}

func TestNoPhones(t *testing.T) {
	t.Parallel()
	f := newFake(customeriotest.Config{NoPhones: true})
	byPhone := item(`"phone":"+15551234567"`, `"action":"identify","attributes":{"a":1}`)
	if w := send(f, "POST", "/api/v2/entity", byPhone); w.Code != 400 {
		t.Errorf("entity: %d %s, want 400", w.Code, w.Body)
	}
	if w := send(f, "POST", "/api/v2/batch", batchOf(byPhone)); w.Code != 207 {
		t.Errorf("batch: %d %s, want 207", w.Code, w.Body)
	}
}
