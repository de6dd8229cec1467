package customeriotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Kind is the kind of a call.
type Kind string

// The kinds of calls.
const (
	Identify Kind = "identify"
	Suppress Kind = "suppress"
	Event    Kind = "event"
)

// A Call is an accepted call.
type Call struct {
	Kind Kind
	// Identifier is the identifier of the person, unescaped. Phone marks a phone number.
	Identifier string
	Phone      bool
	// Body is the decoded body of an identify or an event, with _update and
	// _timestamp. Whole numbers are int64. Callers must not change Body.
	Body map[string]any
}

// Counts are the numbers of calls since the start.
type Counts struct {
	// Accepted calls, the items of batches included.
	Identify, Suppress, Event int

	Requests    int // with any answer
	Ignored     int // identify calls about a person who is unknown or suppressed
	RateLimited int // 429 because of Config.Rate
	Faults      int // faults from SetFault, with or without AfterEffect
}

// decode reads the body of an identify or an event; a suppress has no body.
func decode(r io.Reader, kind Kind) (map[string]any, error) {
	if kind == Suppress {
		return nil, nil
	}
	var body map[string]any
	d := json.NewDecoder(r)
	d.UseNumber()
	if err := d.Decode(&body); err != nil || body == nil {
		return nil, errors.New("body is not a JSON object")
	}
	numbers(body)
	return body, nil
}

func numbers(body map[string]any) {
	for name, value := range body {
		if n, ok := value.(json.Number); ok {
			body[name] = number(n)
		}
	}
}

func number(n json.Number) any {
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, _ := n.Float64() // infinite beyond 1e308
	return f
}

// key returns the identifier with its kind.
func (c Call) key() key {
	if c.Phone {
		return key{"phone", c.Identifier}
	}
	return keyOf(c.Identifier)
}

// check returns an error for a call that exceeds a limit.
func (c Call) check() error {
	if len(c.Identifier) > maxIdentifier {
		return fmt.Errorf("identifier is longer than %d bytes", maxIdentifier)
	}
	if c.Kind == Event {
		if name, ok := c.Body["name"].(string); !ok || name == "" || len(name) > maxEventName {
			return fmt.Errorf("name must have 1 to %d bytes", maxEventName)
		}
		return nil
	}
	if len(c.Body) > maxAttributes {
		return fmt.Errorf("more than %d attributes", maxAttributes)
	}
	for name, value := range c.Body {
		if len(name) > maxName {
			return fmt.Errorf("an attribute's name is longer than %d bytes", maxName)
		}
		if s, ok := value.(string); ok && len(s) > maxValue {
			return fmt.Errorf("attribute %s is longer than %d bytes", name, maxValue)
		}
	}
	return nil
}
