package customerio_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/fault"
)

func track(p effect.Person, id string) effect.Call {
	return effect.Call{Kind: effect.Track, Person: p, At: at, Event: "email_bounced", ID: id, Attributes: map[string]any{"class": "hard"}}
}

// crowd returns one update of about size bytes for each of n people.
func crowd(n, size int) []effect.Call {
	calls := make([]effect.Call, n)
	for i := range calls {
		calls[i] = identify(effect.Person{Kind: effect.ID, Value: fmt.Sprint("p", i)})
		for j := range size / 1000 {
			calls[i].Attributes[fmt.Sprint("a", j)] = strings.Repeat("x", 990)
		}
	}
	return calls
}

// applyBatch returns the class of the error of each call that failed.
func applyBatch(t *testing.T, c *customerio.Client, calls []effect.Call) (failed map[int]string, whole error) {
	t.Helper()
	failed = map[int]string{}
	var mu sync.Mutex
	whole = c.ApplyBatch(t.Context(), slices.Values(calls), func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		failed[i] = class(err)
		discreet(t, err)
	})
	return failed, whole
}

func TestBatchOnTheWire(t *testing.T) {
	t.Parallel()
	var got []request
	c := serve(t, recorder(t, &got), customerio.Config{})
	const id = "01E4C4CT6YDC7Y5M7FE1GWWPQJ"
	call := identify(joe)
	if failed, err := applyBatch(t, c, []effect.Call{call, identify(email), track(byID, id)}); err != nil || len(failed) > 0 {
		t.Fatalf("errors %v, %v", failed, err)
	}
	attributes := map[string]any{"spam_complaint": true, "spam_complaint_at": 1755600006.0, "_update": true}
	item := func(kind, value string) map[string]any {
		return map[string]any{
			"type": "person", "action": "identify", "identifiers": map[string]any{kind: value},
			"timestamp": 1755600006.0, "attributes": attributes,
		}
	}
	want := []request{{
		Method: "POST", URI: "/api/v2/batch", UserAgent: "cioevents", User: "site", Password: "key",
		Body: map[string]any{"batch": []any{
			item("cio_id", "d9c106000001"), item("email", "joe+news@example.com"),
			map[string]any{
				"type": "person", "action": "event", "identifiers": map[string]any{"id": "joe-42"}, "name": "email_bounced",
				"id": id, "timestamp": 1755600006.0, "attributes": map[string]any{"class": "hard"},
			},
		}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if len(call.Attributes) != 2 {
		t.Errorf("the call's attributes were changed to %v", call.Attributes)
	}
}

func TestTrackOnTheWire(t *testing.T) {
	t.Parallel()
	var got []request
	c := serve(t, recorder(t, &got), customerio.Config{})
	const id = "01E4C4CT6YDC7Y5M7FE1GWWPQJ"
	apply(t, c, track(joe, id))
	want := map[string]any{"name": "email_bounced", "id": id, "timestamp": 1755600006.0, "data": map[string]any{"class": "hard"}}
	if len(got) != 1 || got[0].Method != http.MethodPost || got[0].URI != "/api/v1/customers/cio_d9c106000001/events" || !cmp.Equal(got[0].Body, want) {
		t.Errorf("requests %+v", got)
	}
}

// No request exceeds Customer.io's size limit, or the 1,000 items that other clients
// send.
func TestBatchIsDivided(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ calls, size, requests int }{{2500, 0, 3}, {100, 20_000, 5}} {
		var mu sync.Mutex
		var requests, items int
		client := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			var batch struct{ Batch []json.RawMessage }
			if err := json.Unmarshal(body, &batch); err != nil || len(body) >= 500_000 || len(batch.Batch) > 1000 {
				t.Errorf("request of %d items and %d bytes: %v", len(batch.Batch), len(body), err)
			}
			mu.Lock()
			defer mu.Unlock()
			requests, items = requests+1, items+len(batch.Batch)
			io.WriteString(w, "{}")
		}), customerio.Config{})
		failed, err := applyBatch(t, client, crowd(c.calls, c.size))
		if err != nil || len(failed) > 0 || requests != c.requests || items != c.calls {
			t.Errorf("%d items in %d requests, errors %v, %v; want %d in %d", items, requests, failed, err, c.calls, c.requests)
		}
	}
}

// Impossible calls are not sent, and refused calls are named.
func TestBatchNamesTheRefused(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{KnowsEverybody: true})
	calls := crowd(5, 0)
	calls[1] = suppress(joe)
	calls[2].Person.Value = ""
	calls[3] = crowd(1, 40_000)[0]
	failed, err := applyBatch(t, serve(t, fake, customerio.Config{}), calls)
	want := map[int]string{1: "permanent rejected", 2: "permanent rejected", 3: "permanent rejected"}
	if diff := cmp.Diff(want, failed); err != nil || diff != "" || len(fake.Profiles()) != 2 {
		t.Errorf("error %v, failed (-want +got):\n%s", err, diff)
	}
}

// refusing answers a batch with the faults of its items.
func refusing(fn func(items []string) *http.Response) roundTripper {
	return func(r *http.Request) (*http.Response, error) {
		var batch struct{ Batch []json.RawMessage }
		if err := json.NewDecoder(r.Body).Decode(&batch); err != nil {
			return nil, err
		}
		items := make([]string, len(batch.Batch))
		for i := range items {
			items[i] = string(batch.Batch[i])
		}
		return fn(items), nil
	}
}

// The client finds the one bad item of a batch, for every form of answer.
func TestBatchFindsTheOne(t *testing.T) {
	t.Parallel()
	place := func(items []string) int {
		for i, it := range items {
			if strings.Contains(it, `"p123"`) {
				return i
			}
		}
		return -1
	}
	for name, c := range map[string]struct {
		answer func(place int) *http.Response
		want   string
	}{
		"207": {func(i int) *http.Response {
			return answer(207, fmt.Sprintf(`{"errors":[{"batch_index":%d,"reason":"invalid","field":"id","message":"joe@example.com is bad"}]}`, i))
		}, "permanent rejected"},
		"207 without place": {func(int) *http.Response { return answer(207, `{"errors":[{"reason":"invalid"}]}`) }, "permanent rejected"},
		"207 out of place":  {func(int) *http.Response { return answer(207, `{"errors":[{"batch_index":1000,"reason":"invalid"}]}`) }, "permanent rejected"},
		"400":               {func(int) *http.Response { return answer(400, `{"errors":[{"message":"joe@example.com"}]}`) }, "permanent rejected"},
		"413":               {func(int) *http.Response { return answer(413, "") }, "permanent rejected"},
		"500":               {func(int) *http.Response { return answer(500, "joe@example.com") }, "transient"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				accepted := map[string]bool{}
				var mu sync.Mutex
				client := paced(t, customerio.Config{}, refusing(func(items []string) *http.Response {
					mu.Lock()
					defer mu.Unlock()
					if i := place(items); i >= 0 {
						return c.answer(i)
					}
					for _, it := range items {
						accepted[it] = true
					}
					return ok()
				}))
				failed, err := applyBatch(t, client, crowd(1000, 0))
				if diff := cmp.Diff(map[int]string{123: c.want}, failed); err != nil || diff != "" {
					t.Errorf("error %v, failed (-want +got):\n%s", err, diff)
				}
				if name != "207" && len(accepted) != 999 {
					t.Errorf("%d items accepted, want 999", len(accepted))
				}
			})
		})
	}
}

// In an outage no item fails, and the client soon stops sending.
func TestBatchInAnOutage(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{503: "outage 1s", 401: "unauthorized 1s", 404: "unauthorized 1s"} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			requests := 0
			client := paced(t, customerio.Config{}, refusing(func([]string) *http.Response {
				mu.Lock()
				defer mu.Unlock()
				requests++
				return answer(status, "")
			}))
			_, err := applyBatch(t, client, crowd(10_000, 0))
			if class(err) != want || !fault.IsOutage(err) || requests > 30 {
				t.Errorf("%s after %d requests, want %s (%v)", class(err), requests, want, err)
			}
			discreet(t, err)
		})
	}
}

// A repeated batch and an older batch change nothing.
func TestBatchKeepsTheOrderOfTimes(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{})
	fake.Seed(customeriotest.Profile{ID: "p0"})
	c := serve(t, fake, customerio.Config{})
	newer, older := crowd(2, 0), crowd(2, 0)
	for i := range older {
		older[i].At = at.Add(-time.Hour)
		older[i].Attributes["spam_complaint_at"] = older[i].At.Unix()
	}
	for _, calls := range [][]effect.Call{newer, older, newer} {
		if failed, err := applyBatch(t, c, calls); err != nil || len(failed) > 0 {
			t.Fatalf("errors %v, %v", failed, err)
		}
	}
	people := fake.Profiles()
	if len(people) != 1 || people[0].Attributes["spam_complaint_at"] != at.Unix() {
		t.Errorf("people %+v, want one, with the newer time, and nobody created", people)
	}
}
