package stream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// Error codes of JetStream, from errors.json of nats-server.
const (
	// codeInsufficientResources: the messages of all streams have reached the server's
	// max_file_store.
	codeInsufficientResources = 10023
	// codeStorage: the account or the server cannot reserve the bytes.
	codeStorage         = 10047
	codeMessageTooLarge = 10054
	// codeNotStored: the text says why. "maximum bytes exceeded" means a full stream;
	// "store is closed" comes from a server that is shutting down.
	codeNotStored    = 10077
	codeTwinInFlight = 10158
)

func judgeSend(err error) error {
	switch {
	case errors.Is(err, nats.ErrMaxPayload):
		return fault.Permanent(fault.ReasonTooLarge, err)
	case errors.Is(err, event.ErrStreamUnavailable): // the refusal of an earlier try
		return err
	default:
		return fmt.Errorf("%w: %w", event.ErrStreamUnavailable, err)
	}
}

// judgeAnswer decodes the stream's answer. A wait above 0 asks for another try with
// the same id.
func judgeAnswer(answer *nats.Msg, stream string) (duplicate bool, wait time.Duration, err error) {
	// The usual answer is {"stream":"CUSTOMERIO","seq":42}.
	if bytes.HasPrefix(answer.Data, []byte(`{"stream":"`+stream+`"`)) && !bytes.Contains(answer.Data, []byte("duplicate")) {
		return false, 0, nil
	}
	if len(answer.Data) == 0 { // the status "no responders" of the server
		return false, leaderRetryWait, fmt.Errorf("%w: no server answers for stream %s", event.ErrStreamUnavailable, stream)
	}
	var a struct {
		jetstream.PubAck
		Error *jetstream.APIError `json:"error"`
	}
	switch err := json.Unmarshal(answer.Data, &a); {
	case err != nil:
		return false, 0, fmt.Errorf("%w: decode the answer: %w", event.ErrStreamUnavailable, err)
	case a.Error != nil:
		wait, err := judgeAPIError(a.Error)
		return false, wait, err
	case a.Stream != stream:
		return false, 0, fmt.Errorf("%w: the subject belongs to stream %q", event.ErrStreamUnavailable, a.Stream)
	}
	return a.Duplicate, 0, nil
}

// judgeAPIError knows the refusals that last. Anything else may pass within the timeout,
// such as a stream that is offline while its server stops.
func judgeAPIError(e *jetstream.APIError) (wait time.Duration, err error) {
	switch e.ErrorCode {
	case codeTwinInFlight:
		return twinRetryWait, fmt.Errorf("%w: %w", event.ErrStreamUnavailable, e)
	case codeInsufficientResources:
		return 0, fmt.Errorf("%w: max_file_store of the NATS server is reached: %w", event.ErrStoreFull, e)
	case codeAccountResources:
		return 0, fmt.Errorf("%w: max_file of the NATS account is reached: %w", event.ErrStoreFull, e)
	case codeStorage:
		return 0, fmt.Errorf("%w: max_file of the NATS account or max_file_store of the NATS server is reached: %w", event.ErrStoreFull, e)
	case codeMessageTooLarge:
		return 0, fault.Permanent(fault.ReasonTooLarge, e)
	default:
	}
	if e.ErrorCode == codeNotStored && strings.HasPrefix(e.Description, "maximum ") {
		return 0, fmt.Errorf("%w: %w", event.ErrStreamFull, e)
	}
	return leaderRetryWait, fmt.Errorf("%w: %w", event.ErrStreamUnavailable, e)
}
