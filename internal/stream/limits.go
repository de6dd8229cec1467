package stream

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Error codes of JetStream for a limit of the account or the server, from errors.json of
// nats-server.
const (
	codeAccountResources    jetstream.ErrorCode = 10002
	codeMaxConsumers        jetstream.ErrorCode = 10026
	codeMaxStreams          jetstream.ErrorCode = 10027
	codeNoReplicas          jetstream.ErrorCode = 10074
	codeMaxBytesRequired    jetstream.ErrorCode = 10113
	codeMaxAckPending       jetstream.ErrorCode = 10121
	codeStreamBytesExceeded jetstream.ErrorCode = 10122
)

// remedied adds to a refusal of NATS because of a limit what to change. size is the
// setting of the stream's size, "" for a consumer.
func remedied(err error, size string) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return err
	}
	var remedy string
	switch api.ErrorCode {
	case codeMaxAckPending:
		remedy = "set MAX_ACK_PENDING of the workers to this limit or less"
	case codeMaxBytesRequired:
		remedy = "set " + size
	case codeAccountResources, codeInsufficientResources, codeStorage, codeStreamBytesExceeded:
		remedy = "lower " + size + ", or raise the limit of the NATS account or server"
	case codeMaxConsumers, codeMaxStreams:
		remedy = "raise the limit of the NATS account or server"
	case codeNoReplicas:
		remedy = "set STREAM_REPLICAS=1, or run NATS as a cluster"
	default:
		return err
	}
	return fmt.Errorf("%w: %s", err, remedy)
}

// isRefused reports whether NATS has answered a request with a refusal. Any other error
// may be an outage, or a missing permission.
func isRefused(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api)
}
