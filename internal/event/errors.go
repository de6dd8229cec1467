package event

import (
	"errors"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Errors of publishing. After each of them the caller may publish again with the
// same id.
var (
	// ErrStreamFull reports that the stream has reached its limit. The stream
	// refuses new messages until old ones expire or the limit is raised.
	ErrStreamFull = errors.New("stream is full")
	// ErrStoreFull reports that NATS has no room for any stream: the limit of the
	// server or of the account is reached. A higher limit of the stream changes nothing.
	ErrStoreFull = errors.New("NATS has no room")
	// ErrStreamUnavailable reports that no stream answered, or that a stream would lose
	// the message. The message may or may not be stored.
	ErrStreamUnavailable = errors.New("stream is unavailable")
)

// ParseReason is the reason of a dead letter whose body webhook.Parse or
// webhook.ParseEnvelope refused with err.
func ParseReason(err error) fault.Reason {
	if errors.Is(err, webhook.ErrNotObject) {
		return fault.ReasonNotObject
	}
	return fault.ReasonNotJSON
}
