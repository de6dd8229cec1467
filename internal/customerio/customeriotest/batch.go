package customeriotest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
)

// Limits of the second version of the API, in bytes.
const (
	maxBatch = 499_999 // Customer.io wants less than 500,000
	maxItem  = 32_000
)

// An entity is one item of a batch.
type entity struct {
	Type        string         `json:"type"`
	Action      string         `json:"action"`
	Identifiers map[string]any `json:"identifiers"`
	Name        string         `json:"name"`
	ID          string         `json:"id"`
	Timestamp   *int64         `json:"timestamp"`
	Attributes  map[string]any `json:"attributes"`
}

// handleBatch applies the valid items and names the invalid items. The answer is 200
// when all items are valid, 207 when some items are invalid, and 400 when the body is
// not a batch.
func (f *Fake) handleBatch(r *http.Request) answer {
	items, err := readBatch(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		return invalid("batch", err)
	}
	var refused []map[string]any // in the form that Customer.io documents
	for i, raw := range items {
		call, field, err := f.readItem(raw)
		if err != nil {
			refused = append(refused, map[string]any{"batch_index": i, "reason": "invalid", "field": field, "message": err.Error()})
			continue
		}
		f.accept(call)
	}
	if len(refused) > 0 {
		return answer{status: http.StatusMultiStatus, body: map[string]any{"errors": refused}}
	}
	return accepted
}

// handleEntity applies a single item.
func (f *Fake) handleEntity(r *http.Request) answer {
	raw, err := io.ReadAll(r.Body)
	f.mu.Lock()
	defer f.mu.Unlock()
	call, field, itemErr := f.readItem(raw)
	if err := errors.Join(err, itemErr); err != nil {
		return invalid(field, err)
	}
	f.accept(call)
	return accepted
}

func invalid(field string, err error) answer {
	return answer{status: http.StatusBadRequest, body: map[string]any{
		"errors": []map[string]string{{"reason": "invalid", "field": field, "message": err.Error()}},
	}}
}

func readBatch(r io.Reader) ([]json.RawMessage, error) {
	var batch struct {
		Batch []json.RawMessage `json:"batch"`
	}
	if err := json.NewDecoder(r).Decode(&batch); err != nil || batch.Batch == nil {
		return nil, errors.New("body is not a JSON object with a batch")
	}
	return batch.Batch, nil
}

// readItem returns the equivalent call of the first version, or the wrong field.
func (f *Fake) readItem(raw json.RawMessage) (call Call, field string, err error) {
	if len(raw) > maxItem {
		return Call{}, "", fmt.Errorf("item is larger than %d bytes", maxItem)
	}
	var e entity
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&e); err != nil {
		return Call{}, "", errors.New("item is not an entity")
	}
	if e.Type != "person" {
		return Call{}, "type", fmt.Errorf("type %q is not supported by the fake", e.Type)
	}
	if call.Identifier, call.Phone, err = e.identifier(); err != nil {
		return Call{}, "identifiers", err
	}
	if call.Phone && f.cfg.NoPhones {
		return Call{}, "identifiers", errors.New("phone is not an identifier of this workspace")
	}
	numbers(e.Attributes)
	if call.Kind, call.Body, err = e.action(); err != nil {
		return Call{}, "action", err
	}
	return call, "attributes", call.check()
}

// e164 is the form of a phone number.
var e164 = regexp.MustCompile(`^\+[1-9]\d{1,14}$`)

// identifier returns the identifier in the form of the first version, or a phone number.
func (e entity) identifier() (_ string, phone bool, _ error) {
	if len(e.Identifiers) == 1 {
		for kind, value := range e.Identifiers {
			s, ok := value.(string)
			if n, isNumber := value.(json.Number); isNumber {
				s, ok = n.String(), true
			}
			switch {
			case !ok || s == "":
			case kind == "cio_id":
				return "cio_" + s, false, nil
			case kind == "id" || kind == "email":
				return s, false, nil
			case kind == "phone" && e164.MatchString(s):
				return s, true, nil
			}
		}
	}
	return "", false, errors.New("identifiers must have one of id, email, phone, cio_id")
}

func (e entity) action() (Kind, map[string]any, error) {
	switch e.Action {
	case "identify":
		body := e.Attributes
		if body == nil {
			body = map[string]any{}
		}
		// In a batch the time is beside the attributes. A _timestamp among the
		// attributes would be an ordinary attribute.
		delete(body, "_timestamp")
		if e.Timestamp != nil {
			body["_timestamp"] = *e.Timestamp
		}
		return Identify, body, nil
	case "event":
		body := map[string]any{"name": e.Name, "data": e.Attributes}
		if e.ID != "" {
			body["id"] = e.ID
		}
		if e.Timestamp != nil {
			body["timestamp"] = *e.Timestamp
		}
		return Event, body, nil
	case "suppress":
		return Suppress, nil, nil
	default:
		return "", nil, fmt.Errorf("action %q is not supported by the fake", e.Action)
	}
}
