package customerio

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/effect"
)

// Customer.io's limits, in bytes. Package effect has further limits. The client sends
// no call that exceeds a limit.
const (
	maxIdentifier = 150
	// Customer.io documents both sizes in kB. We read kB as 1,000 bytes rather than
	// 1,024: a smaller call is accepted either way.
	maxItem  = 32_000
	maxBatch = 500_000
	// Customer.io documents no limit on items; 1,000 is what other clients send.
	maxItems = 1_000
)

// check returns an error for a call that Customer.io will never accept.
func check(call effect.Call) error {
	switch id := call.Person.Identifier(); {
	case call.Person.Value == "":
		return errors.New("identifier is empty")
	case len(id) > maxIdentifier:
		return fmt.Errorf("identifier has %d bytes, the limit is %d", len(id), maxIdentifier)
	}
	switch call.Kind {
	case effect.Identify:
		return checkIdentify(call)
	case effect.Suppress:
		return nil
	case effect.Track:
		return checkTrack(call)
	default:
		return fmt.Errorf("unknown kind of call %q", call.Kind)
	}
}

// checkSingle returns an error for a call that Customer.io will never accept outside a
// batch.
func checkSingle(call effect.Call) error {
	if err := check(call); err != nil {
		return err
	}
	if call.Person.Kind != effect.Phone {
		return checkPath(call.Person)
	}
	_, err := encodeEntity(call) // an entity is smaller than a body of the first version
	return err
}

// checkPath returns an error for a person whom a path cannot address. A batch needs no
// such check, because a batch names the kind of each identifier.
func checkPath(p effect.Person) error {
	switch id := p.Identifier(); {
	case id == "." || id == "..":
		// Servers resolve dots in a path such as "/customers/../suppress".
		return errors.New("identifier cannot be part of a path")
	case p.Kind != effect.CioID && strings.HasPrefix(id, "cio_"):
		return errors.New("identifier looks like the cio_id of another person")
	default:
		return nil
	}
}

func checkIdentify(call effect.Call) error {
	switch n := len(call.Attributes); {
	case call.At.IsZero():
		return errors.New("call has no time")
	case n == 0:
		return errors.New("call has no attributes")
	case n > effect.MaxAttributes:
		return fmt.Errorf("call has %d attributes, the limit is %d", n, effect.MaxAttributes)
	}
	for name, value := range call.Attributes {
		if name == "" || len(name) > effect.MaxName {
			return fmt.Errorf("name of an attribute has %d bytes, want 1 to %d", len(name), effect.MaxName)
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
		return errors.New("call has no time")
	case n == 0 || n > effect.MaxEventName:
		return fmt.Errorf("name of the event has %d bytes, want 1 to %d", n, effect.MaxEventName)
	}
	if n := len(eventBody(call)); n > maxItem {
		return fmt.Errorf("event has %d bytes, the limit is %d", n, maxItem)
	}
	return nil
}
