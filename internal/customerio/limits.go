package customerio

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/effect"
)

// Customer.io's limits, in bytes, beside those of package effect. Nothing is sent
// that exceeds them.
const (
	maxIdentifier = 150
	// A kB is taken as 1,000 bytes, the smaller of its two meanings.
	maxItem  = 32_000
	maxBatch = 500_000
	// The number of items has a bound of our own: a documented one is missing, and 1,000 is
	// what others send.
	maxItems = 1_000
)

// check returns why the call can never be accepted.
func check(call effect.Call) error {
	switch id := call.Person.Identifier(); {
	case call.Person.Value == "":
		return errors.New("the identifier is empty")
	case len(id) > maxIdentifier:
		return fmt.Errorf("the identifier has %d bytes, the limit is %d", len(id), maxIdentifier)
	}
	switch call.Kind {
	case effect.Identify:
		return checkIdentify(call)
	case effect.Suppress:
		return nil
	case effect.Track:
		return checkTrack(call)
	default:
		return fmt.Errorf("%q is no kind of call", call.Kind)
	}
}

// checkPath returns why the person cannot be addressed in a path. A batch says of
// what kind its identifiers are.
func checkPath(p effect.Person) error {
	switch id := p.Identifier(); {
	case id == "." || id == "..":
		// Servers resolve them: "/customers/../suppress".
		return errors.New("the identifier cannot be part of a path")
	case p.Kind != effect.CioID && strings.HasPrefix(id, "cio_"):
		return errors.New("the identifier would be taken for the cio_id of somebody else")
	default:
		return nil
	}
}

func checkIdentify(call effect.Call) error {
	switch n := len(call.Attributes); {
	case call.At.IsZero():
		return errors.New("the call has no time")
	case n == 0:
		return errors.New("the call has no attributes")
	case n > effect.MaxAttributes:
		return fmt.Errorf("the call has %d attributes, the limit is %d", n, effect.MaxAttributes)
	}
	for name, value := range call.Attributes {
		if name == "" || len(name) > effect.MaxName {
			return fmt.Errorf("an attribute's name has %d bytes, the limits are 1 and %d", len(name), effect.MaxName)
		}
		if s, ok := value.(string); ok && len(s) > effect.MaxValue {
			return fmt.Errorf("attribute %s has %d bytes, the limit is %d", name, len(s), effect.MaxValue)
		}
	}
	return nil
}

func checkTrack(call effect.Call) error {
	switch n := len(call.Event); {
	case call.At.IsZero():
		return errors.New("the call has no time")
	case n == 0 || n > effect.MaxEventName:
		return fmt.Errorf("the event's name has %d bytes, the limits are 1 and %d", n, effect.MaxEventName)
	}
	if n := len(eventBody(call)); n > maxItem {
		return fmt.Errorf("the event has %d bytes, the limit is %d", n, maxItem)
	}
	return nil
}
