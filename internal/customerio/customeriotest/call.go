package customeriotest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// A Kind is the kind of a call.
type Kind string

// The kinds of calls.
const (
	Identify   Kind = "identify"
	Suppress   Kind = "suppress"
	Unsuppress Kind = "unsuppress"
	Delete     Kind = "delete"
	Event      Kind = "event"
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
	// Accepted calls of three kinds, the items of batches included.
	Identify, Suppress, Event int

	Requests      int // with any answer
	Batches       int // batches answered 200 or 207
	Items         int // accepted items of batches
	RejectedItems int // items of batches named in a 207
	Repeated      int // events with an id of an earlier event
	Ignored       int // identify calls about a person who is unknown, deleted or suppressed
	Rejected      int // 400
	Unauthorized  int // 401
	RateLimited   int // 429 because of Config.Rate
	Faults        int // faults from SetFault, with or without AfterEffect
}

func (c *Counts) add(kind Kind) {
	switch kind {
	case Identify:
		c.Identify++
	case Suppress:
		c.Suppress++
	case Event:
		c.Event++
	default: // nobody counts the other kinds
	}
}

// decode reads the body of an identify or an event, and returns nil for other kinds.
func decode(r io.Reader, kind Kind) (map[string]any, error) {
	if kind != Identify && kind != Event {
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
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
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

// A callLog keeps the last size calls in a ring.
type callLog struct {
	size  int
	calls []Call
	next  int
}

func (l *callLog) add(c Call) {
	if len(l.calls) < l.size {
		l.calls = append(l.calls, c)
		return
	}
	l.calls[l.next] = c
	l.next = (l.next + 1) % l.size
}

func (l *callLog) all() []Call {
	return slices.Concat(l.calls[l.next:], l.calls[:l.next])
}
