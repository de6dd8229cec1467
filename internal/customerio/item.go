package customerio

import (
	"encoding/json"
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
	Timestamp   int64             `json:"timestamp"`
	Attributes  map[string]any    `json:"attributes"`
}

// encodeItem returns the call as an item of a batch. An error means that the call can
// never be an item.
func encodeItem(call effect.Call) ([]byte, error) {
	if err := check(call); err != nil {
		return nil, err
	}
	it := v2Item{
		Type: "person", Action: "identify", Timestamp: call.At.Unix(), Attributes: call.Attributes,
		// A kind of identifier has the API's name. In a batch a cio_id has no prefix.
		Identifiers: map[string]string{string(call.Person.Kind): call.Person.Value},
	}
	switch call.Kind {
	case effect.Track:
		it.Action, it.Name, it.ID = "event", call.Event, call.ID
	case effect.Identify:
		it.Attributes = maps.Clone(call.Attributes)
		it.Attributes["_update"] = true
	default:
		return nil, fmt.Errorf("a batch takes no call of the kind %q", call.Kind)
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
