package customerio

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/cioevents/cioevents/internal/effect"
)

// A v2Item is a call of the Track API's second version. Its timestamp orders the
// updates of attributes as _timestamp does in the first; _update is an attribute
// as there.
type v2Item struct {
	Type        string            `json:"type"`
	Identifiers map[string]string `json:"identifiers"`
	Action      string            `json:"action"`
	Name        string            `json:"name,omitempty"`
	ID          string            `json:"id,omitempty"`
	Timestamp   int64             `json:"timestamp"`
	Attributes  map[string]any    `json:"attributes"`
}

// encodeItem returns the call as an item of a batch, or why it can never be one.
func encodeItem(call effect.Call) ([]byte, error) {
	if err := check(call); err != nil {
		return nil, err
	}
	it := v2Item{
		Type: "person", Action: "identify", Timestamp: call.At.Unix(), Attributes: call.Attributes,
		// The kinds are called as the API calls them. A cio_id is without its
		// prefix here.
		Identifiers: map[string]string{string(call.Person.Kind): call.Person.Value},
	}
	switch call.Kind {
	case effect.Track:
		it.Action, it.Name, it.ID = "event", call.Event, call.ID
	case effect.Identify:
		it.Attributes = maps.Clone(call.Attributes)
		it.Attributes["_update"] = true
	default:
		return nil, fmt.Errorf("%q does not go into a batch", call.Kind)
	}
	body, err := json.Marshal(it)
	if err == nil && len(body) > maxItem {
		err = fmt.Errorf("the call has %d bytes, the limit is %d", len(body), maxItem)
	}
	return body, err
}

// eventBody is the body of a Track call of the first version.
func eventBody(call effect.Call) []byte {
	body, err := json.Marshal(struct {
		Name      string         `json:"name"`
		ID        string         `json:"id,omitempty"`
		Timestamp int64          `json:"timestamp"`
		Data      map[string]any `json:"data,omitempty"`
	}{call.Event, call.ID, call.At.Unix(), call.Attributes})
	if err != nil {
		return nil // never: the values are strings, booleans and numbers
	}
	return body
}
