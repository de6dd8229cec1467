package webhook

// Strip cuts the message's body and its e-mail headers out of a webhook's body:
// the values of "content" and "headers" in data, and on the top level, become
// null, and every other byte stays as it is. A body that is too large for its
// destination is small afterwards, and still parses to the same event without
// Content and Headers. It no longer has the signature that it came with.
//
// The fields are the names of what was cut, out of "content" and "headers" in
// this order. If there is nothing to cut, or the body is not a JSON object, they
// are nil and stripped is body itself.
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
	return c.apply(body), c.fields()
}

// cuts are the values to replace, in the order of the body.
type cuts struct {
	spans            []span
	content, headers bool
}

func (c *cuts) consider(name, body []byte, v span) {
	if string(body[v.lo:v.hi]) == "null" {
		return
	}
	switch string(name) {
	case "content":
		c.content = true
	case "headers":
		c.headers = true
	default:
		return
	}
	c.spans = append(c.spans, v)
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

func (c *cuts) fields() []string {
	var names []string
	if c.content {
		names = append(names, "content")
	}
	if c.headers {
		names = append(names, "headers")
	}
	return names
}
