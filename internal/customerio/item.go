package customerio

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/cioevents/cioevents/internal/effect"
)

// A v2Item is a call of the Track API's second version. Timestamp orders the updates
// of attributes, as the attribute _timestamp does in the first version. _update is an
// attribute in both versions.
type v2Item struct {
	Type        string            `json:"type"`
	Identifiers map[string]string `json:"identifiers"`
	Action      string            `json:"action"`
	Name        string            `json:"name,omitempty"`
	ID          string            `json:"id,omitempty"`
	Timestamp   int64             `json:"timestamp,omitempty"`
	Attributes  map[string]any    `json:"attributes,omitempty"`
}

// encodeItem returns the call as an item of a batch. An error means that the call can
// never be an item.
func encodeItem(call effect.Call) ([]byte, error) {
	if call.Kind == effect.Suppress {
		return nil, errors.New("a batch promises no order, and a suppression comes last")
	}
	if err := check(call); err != nil {
		return nil, err
	}
	return encodeEntity(call)
}

// encodeEntity returns the body of a call of the second version.
func encodeEntity(call effect.Call) ([]byte, error) {
	// A kind of identifier has the API's name. In the second version a cio_id has no
	// prefix.
	it := v2Item{Type: "person", Identifiers: map[string]string{string(call.Person.Kind): call.Person.Value}}
	switch call.Kind {
	case effect.Suppress:
		it.Action = "suppress"
	case effect.Track:
		it.Action, it.Name, it.ID = "event", call.Event, call.ID
		it.Timestamp, it.Attributes = call.At.Unix(), call.Attributes
	default:
		it.Action, it.Timestamp, it.Attributes = "identify", call.At.Unix(), maps.Clone(call.Attributes)
		it.Attributes["_update"] = true
	}
	body, err := json.Marshal(it)
	if err == nil && len(body) > maxItem {
		err = fmt.Errorf("call has %d bytes, the limit is %d", len(body), maxItem)
	}
	return body, err
}

// eventBody returns the body of a Track call of the first version.
func eventBody(call effect.Call) []byte {
	body, err := json.Marshal(struct {
		Name      string         `json:"name"`
		ID        string         `json:"id,omitempty"`
		Timestamp int64          `json:"timestamp"`
		Data      map[string]any `json:"data,omitempty"`
	}{call.Event, call.ID, call.At.Unix(), call.Attributes})
	if err != nil {
		return nil // unreachable: the values are strings, booleans and numbers
	}
	return body
}
