package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// FuzzParse compares Parse, ParseEnvelope and Strip with encoding/json and with
// each other.
func FuzzParse(f *testing.F) {
	for _, p := range webhooktest.Payloads() {
		f.Add(p.Body)
	}
	f.Add([]byte(`{"event_id":"1","event_id":"\u0032","event_type":"in_app_clicked","data":{"content":{},"headers":{"a":["b"]}}}`))
	f.Add([]byte(`{"content":"c","data":{"headers":null},"data":{"identifiers":[1],"recipients":[{}]},"timestamp":1e11}`))
	f.Add([]byte("[{\"metric\":\"\xff\"}]"))
	f.Add([]byte("{\"recipient\":[\"\xff\"],\"subject\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		original := bytes.Clone(body)
		e, err := webhook.Parse(body)
		if want := verdict(body); !errors.Is(err, want) {
			t.Fatalf("Parse(%q): %v, want %v", body, err, want)
		}
		requireSameEnvelope(t, body)
		if err == nil {
			requireSaneEvent(t, e)
			requireStripped(t, body, e)
		}
		if !bytes.Equal(body, original) {
			t.Fatalf("body was changed from %q to %q", original, body)
		}
	})
}

// verdict returns the expected error according to encoding/json.
func verdict(body []byte) error {
	switch {
	case !json.Valid(body):
		return webhook.ErrNotJSON
	case bytes.TrimLeft(body, " \t\r\n")[0] != '{':
		return webhook.ErrNotObject
	default:
		return nil
	}
}

func requireSaneEvent(t *testing.T, e *webhook.Event) {
	t.Helper()
	members := decode(t, e.Raw)
	if id, ok := members["event_id"].(string); ok && id != e.ID {
		t.Fatalf("ID of %q = %q, want %q", e.Raw, e.ID, id)
	}
	if data, ok := members["data"].(map[string]any); ok {
		if href, ok := data["href"].(string); ok && href != e.Href {
			t.Fatalf("Href of %q = %q, want %q", e.Raw, e.Href, href)
		}
	}
	for _, s := range []string{e.ID, string(e.Metric), string(e.ObjectType), e.CustomerID, e.Subject, e.Content, e.Recipient} {
		if !utf8.ValidString(s) {
			t.Fatalf("Parse(%q) yields %q, which is not UTF-8", e.Raw, s)
		}
	}
	if year := e.OccurredAt.Year(); !e.OccurredAt.IsZero() && (year < 1970 || year > 9999) {
		t.Fatalf("OccurredAt of %q = %v", e.Raw, e.OccurredAt)
	}
}

// requireStripped checks that Strip removes only content and headers.
func requireStripped(t *testing.T, body []byte, before *webhook.Event) {
	t.Helper()
	stripped, fields := webhook.Strip(body)
	want, got := decode(t, body), decode(t, stripped)
	blank(want)
	blank(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("Strip(%q) changes more (-want +got):\n%s", body, diff)
	}
	after, err := webhook.Parse(stripped)
	if err != nil {
		t.Fatalf("Parse(%q) after Strip: %v", stripped, err)
	}
	if after.Content != "" || after.Headers != nil {
		t.Fatalf("Strip(%q) leaves %q", body, stripped)
	}
	wantEvent, gotEvent := *before, *after
	wantEvent.Content, wantEvent.Headers, wantEvent.Raw, gotEvent.Raw = "", nil, nil, nil
	if diff := cmp.Diff(wantEvent, gotEvent); diff != "" {
		t.Fatalf("Strip(%q) changes the event (-want +got):\n%s", body, diff)
	}
	if again, more := webhook.Strip(stripped); more != nil || !bytes.Equal(again, stripped) {
		t.Fatalf("Strip(%q) cuts %v, and then again %v", body, fields, more)
	}
	if !slices.IsSorted(fields) {
		t.Fatalf("fields = %v", fields)
	}
}

func blank(members map[string]any) {
	delete(members, "content")
	delete(members, "headers")
	if data, ok := members["data"].(map[string]any); ok {
		delete(data, "content")
		delete(data, "headers")
	}
}

func decode(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var members map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&members); err != nil {
		t.Fatal(err)
	}
	return members
}

// FuzzVerify signs a request, changes a byte of the request, and invents headers.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"metric":"sent"}`), "key", uint32(1614265384), uint(3), byte(1), "v0=00", "1614265384")
	f.Add([]byte(``), "k", uint32(0), uint(12), byte(0x20), "", "")
	f.Add([]byte(`v0:1:{}`), "k", uint32(1), uint(2), byte(0x80), vectors[0].signature, "1")
	f.Fuzz(func(t *testing.T, body []byte, key string, unix uint32, at uint, flip byte, signature, timestamp string) {
		if key == "" {
			key = "key"
		}
		v := verifier(t, webhook.VerifierConfig{Keys: []string{key}, Tolerance: webhook.AnyAge})
		h := make(http.Header)
		webhook.SignRequest(h, key, time.Unix(int64(unix), 0), body)
		if _, err := v.Verify(h, body, sent); err != nil {
			t.Fatalf("signed request: %v", err)
		}
		if flip != 0 {
			requireTamperProof(t, v, h, body, at, flip)
		}
		// An invented signature verifies only if it equals the signature of the key.
		_, err := v.Verify(headers(signature, timestamp), body, sent)
		made := webhook.SignBody(key, []byte("v0:"+timestamp+":"+string(body)))
		if err == nil && !strings.EqualFold(strings.TrimPrefix(signature, "v0="), made) {
			t.Fatalf("signature %q of timestamp %q is accepted", signature, timestamp)
		}
	})
}

// requireTamperProof flips bits of a byte of the signed request, and checks that the
// request no longer verifies.
func requireTamperProof(t *testing.T, v *webhook.Verifier, h http.Header, body []byte, at uint, flip byte) {
	t.Helper()
	signature, timestamp := []byte(h.Get(webhook.HeaderSignature)), []byte(h.Get(webhook.HeaderTimestamp))
	parts := [][]byte{bytes.Clone(body), timestamp, signature}
	at %= uint(len(body) + len(timestamp) + len(signature))
	for _, part := range parts {
		if at < uint(len(part)) {
			part[at] ^= flip
			break
		}
		at -= uint(len(part))
	}
	if strings.EqualFold(string(signature), h.Get(webhook.HeaderSignature)) && flip == 'a'^'A' &&
		bytes.Equal(parts[0], body) && string(timestamp) == h.Get(webhook.HeaderTimestamp) {
		return // the same hexadecimal number
	}
	key, err := v.Verify(headers(string(signature), string(timestamp)), parts[0], sent)
	if key != -1 || !errors.Is(err, webhook.ErrInvalidSignature) {
		t.Fatalf("changed request: %d, %v, want %v", key, err, webhook.ErrInvalidSignature)
	}
}
