package webhook

import (
	"bytes"
	"encoding/json"
)

// A span is the part body[lo:hi] of a body. The zero span stands for an absent value:
// no value inside a container begins at 0.
type span struct{ lo, hi int }

// A walker goes through the members of an object or the elements of an array:
//
//	w := walk(body, i, '{')
//	for w.next() {
//		use(w.name(), w.value)
//	}
//
// The walker checks the syntax on the way, so a walk over a whole body also validates
// the body. After a walk over a valid container done is true, and pos is the index after
// the container.
type walker struct {
	body  []byte
	pos   int
	done  bool
	key   span // with quotes; set for members of an object only
	value span

	closer byte
	begun  bool
}

// walk returns a walker for the object or array that begins with the bracket at body[i].
// If body[i] is not the bracket, the walk is done before its first step.
func walk(body []byte, i int, bracket byte) walker {
	w := walker{body: body, pos: i + 1, done: true}
	if i < len(body) && body[i] == bracket {
		w.closer = bracket + 2 // '{' and '}', '[' and ']' are two apart
		w.done = false
	}
	return w
}

// next moves to the next member or element. It returns false at the end of the container
// and at invalid JSON.
func (w *walker) next() bool {
	i := skipSpace(w.body, w.pos)
	switch {
	case w.done || i >= len(w.body):
		return false
	case w.body[i] == w.closer:
		w.pos, w.done = i+1, true
		return false
	case w.begun && w.body[i] != ',':
		return w.fail()
	case w.begun:
		i = skipSpace(w.body, i+1)
	}
	w.begun = true
	if w.closer == '}' {
		w.key.lo = i
		if w.key.hi, i = skipKey(w.body, i); i < 0 {
			return w.fail()
		}
	}
	w.value.lo = i
	if w.value.hi = skipValue(w.body, i, 1); w.value.hi < 0 {
		return w.fail()
	}
	w.pos = w.value.hi
	return true
}

// fail ends the walk for good.
func (w *walker) fail() bool {
	w.pos = len(w.body)
	return false
}

// name returns the key of the current member, decoded.
func (w *walker) name() []byte {
	key := w.body[w.key.lo:w.key.hi]
	if bytes.IndexByte(key, '\\') < 0 {
		return key[1 : len(key)-1]
	}
	return []byte(unquote(key))
}

// unquote decodes a valid JSON string. Bytes that are not UTF-8 and unpaired surrogates
// become U+FFFD.
func unquote(quoted []byte) string {
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return "" // never: the scanner has validated the string
	}
	return s
}
