package operate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// A Heartbeat is what a worker process says about itself. It has no personal data: a worker
// is a random name, and the reasons are those of the worker's log.
type Heartbeat struct {
	// Worker names the process, and is new after each start.
	Worker    string    `json:"worker"`
	Version   string    `json:"version"`
	StartedAt time.Time `json:"started_at"`
	// At is the time of the heartbeat on the worker's clock.
	At time.Time `json:"at"`
	// NotReady is the reason that /readyz gives, "" for a ready worker.
	NotReady string `json:"not_ready"`
	// DryRun is EFFECTS_DRY_RUN: events have no effect on profiles.
	DryRun bool `json:"dry_run"`
	// Policies has an entry for each workspace, none in a worker without effects.
	Policies []WorkspacePolicy `json:"policies"`
	// Warehouses has an entry for each warehouse, named after its consumer.
	Warehouses []Part `json:"warehouses"`
	// Track has an entry for the Track API of each workspace, none in a dry run.
	Track []Part `json:"track"`
	// Consumers are those that the worker runs.
	Consumers []stream.SeenConsumer `json:"consumers"`
	// HeldSuppressions counts the suppressions of all consumers that wait for an operator.
	HeldSuppressions uint64 `json:"held_suppressions"`
	// Mail counts the e-mails of the last day by workspace, as far as this process has
	// written them to a warehouse.
	Mail []MailCount `json:"mail"`
}

// A MailCount counts e-mails that mailbox providers other than Gmail have accepted, and
// spam complaints: Gmail reports none to Customer.io.
type MailCount struct {
	Workspace  string `json:"workspace"`
	Delivered  int64  `json:"delivered"`
	Complaints int64  `json:"complaints"`
}

// A WorkspacePolicy is the policy for bounces and complaints that a worker applies.
type WorkspacePolicy struct {
	Workspace       string `json:"workspace"`
	SuppressionMode string `json:"suppression_mode"`
	// SuppressUnknown is SUPPRESS_UNKNOWN_BOUNCE.
	SuppressUnknown bool `json:"suppress_unknown_bounce"`
	// SuppressionLimit is SUPPRESSION_LIMIT, 0 for no limit.
	SuppressionLimit int `json:"suppression_limit"`
	// Effects is the path of the effects file, or built-in, and EffectsSHA256 the digest of
	// the file's content in hex, "" for the built-in rules.
	Effects       string `json:"effects"`
	EffectsSHA256 string `json:"effects_sha256,omitempty"`
}

// A PolicyInForce is a policy that workers apply.
type PolicyInForce struct {
	WorkspacePolicy
	DryRun bool
}

// PoliciesOf returns the policies of the workers, each once, in the order of the workers.
// Two policies of one workspace mean that workers differ.
func PoliciesOf(workers []Heartbeat) (list []PolicyInForce) {
	for i := range workers {
		for _, p := range workers[i].Policies {
			if in := (PolicyInForce{p, workers[i].DryRun}); !slices.Contains(list, in) {
				list = append(list, in)
			}
		}
	}
	return list
}

// A Part is a third party on which a worker depends.
type Part struct {
	Name string `json:"name"`
	// Place is where a warehouse is, "" for the Track API.
	Place string    `json:"place,omitempty"`
	State PartState `json:"state"`
	// Reason is why the state is not PartOK.
	Reason string `json:"reason,omitempty"`
	// Since is the time of the first heartbeat of this worker with the state.
	Since time.Time `json:"since"`
}

// A PartState is the state of a third party.
type PartState string

// The states of third parties. A warehouse starts until its first opening.
const (
	PartOK       PartState = "ok"
	PartStarting PartState = "starting"
	PartDown     PartState = "down"
)

// HeartbeatEvery is the default time between two heartbeats of a worker. After
// heartbeatTTL the server deletes the heartbeat of a worker that has crashed or has lost its
// connection.
const (
	HeartbeatEvery = 15 * time.Second
	heartbeatTTL   = 4 * HeartbeatEvery
)

// heartbeatPrefix and the name of a worker are the key of the worker's heartbeat.
const heartbeatPrefix = "worker."

// maxReason bounds a reason in bytes: the bucket of heartbeats is small.
const maxReason = 500

// SendHeartbeat stores the heartbeat for a minute, in place of the worker's last one.
func SendHeartbeat(ctx context.Context, conn *stream.Conn, h *Heartbeat) error {
	h.NotReady = cut(h.NotReady)
	for _, parts := range [][]Part{h.Warehouses, h.Track} {
		for i := range parts {
			parts[i].Reason = cut(parts[i].Reason)
		}
	}
	value, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode heartbeat: %w", err)
	}
	return conn.State().PutFor(ctx, heartbeatPrefix+h.Worker, value, heartbeatTTL)
}

func cut(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxReason)], "") }

// EndHeartbeat deletes the heartbeat of a worker that stops.
func EndHeartbeat(ctx context.Context, conn *stream.Conn, worker string) error {
	return conn.State().Delete(ctx, heartbeatPrefix+worker)
}

// Workers returns the last heartbeats of the workers that run, or have crashed within a
// minute; the oldest worker comes first. Before the first start of a worker the list is
// empty. A heartbeat that this release cannot read is left out.
func Workers(ctx context.Context, conn *stream.Conn) ([]Heartbeat, error) {
	list := []Heartbeat{}
	values, err := conn.State().Values(ctx, heartbeatPrefix)
	if errors.Is(err, stream.ErrNoState) {
		return list, nil
	}
	for _, value := range values {
		var h Heartbeat
		if json.Unmarshal(value, &h) == nil {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b Heartbeat) int {
		return cmp.Or(a.StartedAt.Compare(b.StartedAt), cmp.Compare(a.Worker, b.Worker))
	})
	return list, err
}
