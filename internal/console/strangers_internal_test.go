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
	message := string(s.rowsMessage([]event.Attempt{{Message: event.Message{Body: []byte(body)}}}))
	if strings.Contains(message, "\r") || strings.Count(message, "\n\n") != 1 || !strings.HasSuffix(message, "\n\n") {
		t.Errorf("the message is %q", message)
	}
	for line := range strings.Lines(strings.TrimSuffix(message, "\n")) {
		if !strings.HasPrefix(line, "data: ") {
			t.Errorf("the line %q is not of the row", line)
		}
	}
}
