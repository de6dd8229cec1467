package console

import (
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
)

// A carriage return ends a line of server-sent events, as a newline does. The text of a
// stranger must not become a line.
func TestTextsOfRowsAreNoMessages(t *testing.T) {
	t.Parallel()
	body := `{"event_id":"e","object_type":"email","metric":"sent","data":{"delivery_id":"d\rdata: x\revent: note\r\rdata: y","identifiers":{"id":"u\ndata: x\n\nevent: note"}}}`
	s := &Server{cfg: Config{Log: zerolog.Nop()}}
	message := string(s.rowsMessage([]event.Attempt{{Stored: &event.Stored{Message: event.Message{Body: []byte(body)}}}}))
	if strings.Contains(message, "\r") || strings.Count(message, "\n\n") != 1 || !strings.HasSuffix(message, "\n\n") {
		t.Errorf("the message is %q", message)
	}
	for line := range strings.Lines(strings.TrimSuffix(message, "\n")) {
		if !strings.HasPrefix(line, "data: ") {
			t.Errorf("the line %q is not of the row", line)
		}
	}
}

// Texts and the names of members have the values of people, too.
func TestPersonalValuesAreMasked(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"550 5.1.1 <ann@example.com> unknown":     "550 5.1.1 <" + masked + "> unknown",
		"550 o'brien=x@example.com":               "550 " + masked,
		"to bounce+ann=example.com@mail.example":  "to " + masked,
		"https://x.example/?e=ann%40example.com":  masked,
		"The number +15551234567 is unreachable":  "The number " + masked + " is unreachable",
		"call +1 (555) 123-4567.":                 "call " + masked + ".",
		"no such column, 250 2.0.0, at 192.0.2.1": "no such column, 250 2.0.0, at 192.0.2.1",
	} {
		if got := withoutAddresses(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	payload := payloadText([]byte(`{"metric":"sent","data":{"attributes":{"ann@example.com":true,"+15551234567":null}}}`), false)
	if strings.Contains(payload, "ann") || strings.Contains(payload, "5551234567") || !strings.Contains(payload, `"metric": "sent"`) {
		t.Errorf("the payload is %s", payload)
	}
}
