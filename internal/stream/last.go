package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// maxStoring is longer than ingest takes to store a call: an event that was stored later
// after its receipt was a dead letter of ingest, and an operator has redriven it.
const maxStoring = time.Minute

// LastReceived returns, for each workspace with events in the stream, when ingest has
// received the newest event. Two requests and one more for each workspace answer, however
// large the stream is.
func (c *Conn) LastReceived(ctx context.Context) (map[string]time.Time, error) {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return nil, err
	}
	subjects, err := subjectsByWorkspace(ctx, st, AllEvents)
	if err != nil {
		return nil, err
	}
	last := map[string]time.Time{}
	for workspace := range subjects {
		received, stored, err := lastOf(ctx, st, eventsPrefix+workspace+".>")
		if err == nil && stored.Sub(received) > maxStoring {
			received, err = lastOfAll(ctx, st, subjects[workspace])
		}
		if err != nil {
			return nil, fmt.Errorf("look up newest event of workspace %s: %w", workspace, err)
		}
		last[workspace] = received
	}
	return last, nil
}

// lastOfAll returns the latest receipt among the newest events of the subjects.
func lastOfAll(ctx context.Context, st jetstream.Stream, subjects []string) (latest time.Time, err error) {
	for _, subject := range subjects {
		received, _, err := lastOf(ctx, st, subject)
		if err != nil {
			return latest, err
		}
		if received.After(latest) {
			latest = received
		}
	}
	return latest, nil
}

// lastOf returns when the newest event of the subject was received and stored, zero times
// for none. The time of storing stands for a missing time of receipt.
func lastOf(ctx context.Context, st jetstream.Stream, subject string) (received, stored time.Time, err error) {
	m, err := st.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) { // it has expired since the list of subjects
		return received, stored, nil
	}
	if err != nil {
		return received, stored, err
	}
	received = parseTime(headerValue(m.Header, headerReceivedAt))
	if received.IsZero() {
		received = m.Time
	}
	return received, m.Time, nil
}
