package webhook

import "slices"

// Strip removes the content of a message and the e-mail headers from the body of a
// webhook. The values of "content" and "headers", on the top level and in data, become
// null; every other byte stays. Use Strip for a body that is too large for its
// destination: the stripped body parses to the same event without Content and Headers.
// The signature of the webhook does not match the stripped body.
//
// fields are the names of the removed members, "content" before "headers". If the body
// has neither, or is not a JSON object, fields is nil and stripped is body itself.
func Strip(body []byte) (stripped []byte, fields []string) {
	var c cuts
	w := walk(body, skipSpace(body, 0), '{')
	for w.next() {
		name := w.name()
		c.consider(name, body, w.value)
		if string(name) != "data" {
			continue
		}
		data := walk(body, w.value.lo, '{')
		for data.next() {
			c.consider(data.name(), body, data.value)
		}
	}
	if w.err() != nil || len(c.spans) == 0 {
		return body, nil
	}
	slices.Sort(c.fields)
	return c.apply(body), c.fields
}

// cuts are the values to replace with null, in the order of the body.
type cuts struct {
	spans  []span
	fields []string // the names of the values, each once
}

func (c *cuts) consider(name, body []byte, v span) {
	if string(name) != "content" && string(name) != "headers" || string(body[v.lo:v.hi]) == "null" {
		return
	}
	c.spans = append(c.spans, v)
	if !slices.Contains(c.fields, string(name)) {
		c.fields = append(c.fields, string(name))
	}
}

func (c *cuts) apply(body []byte) []byte {
	size := len(body)
	for _, v := range c.spans {
		size += len("null") - (v.hi - v.lo)
	}
	out, done := make([]byte, 0, size), 0
	for _, v := range c.spans {
		out = append(out, body[done:v.lo]...)
		out = append(out, "null"...)
		done = v.hi
	}
	return append(out, body[done:]...)
}
