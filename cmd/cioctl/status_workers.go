package main

import (
	"context"
	"io"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// A statusOutput is the state of the streams and of the workers.
type statusOutput struct {
	*stream.Status
	LastCalls []operate.LastCall  `json:"last_calls"`
	Workers   []operate.Heartbeat `json:"workers"`
}

// withWorkers adds what the workers say. What is unknown becomes a problem, so that the rest
// is shown.
func withWorkers(ctx context.Context, conn *stream.Conn, s *stream.Status) *statusOutput {
	calls, err := operate.LastCalls(ctx, conn)
	if err != nil {
		s.Problems = append(s.Problems, "last calls are unknown: "+err.Error())
	}
	workers, err := operate.Workers(ctx, conn)
	if err != nil {
		s.Problems = append(s.Problems, "workers are unknown: "+err.Error())
	}
	return &statusOutput{s, calls, workers}
}

func workerRows(w io.Writer, s *statusOutput) {
	if len(s.LastCalls) > 0 {
		row(w, "WORKSPACE", "LAST CALL")
		for _, c := range s.LastCalls {
			row(w, c.Workspace, c.At)
		}
		row(w)
	}
	if len(s.Workers) == 0 {
		row(w, "no worker has reported itself within a minute")
		row(w)
		return
	}
	row(w, "WORKER", "VERSION", "STARTED", "SEEN", "CONSUMERS")
	for i := range s.Workers {
		h := &s.Workers[i]
		row(w, h.Worker, h.Version, h.StartedAt, agoText(h.At), consumersText(h))
	}
	row(w)
	partRows(w, s.Workers)
	policyRows(w, s.Workers)
}

// agoText returns the age of a time, at least 0: the worker's clock may be ahead.
func agoText(at time.Time) string {
	return max(0, time.Since(at)).Round(time.Second).String() + " ago"
}

func consumersText(h *operate.Heartbeat) string {
	names := []string{}
	for _, c := range h.Consumers {
		names = append(names, c.Name)
	}
	return operate.Words(names)
}

// partRows lists what a worker cannot reach or may not do.
func partRows(w io.Writer, workers []operate.Heartbeat) {
	var rows [][]any
	for i := range workers {
		h := &workers[i]
		if h.NotReady != "" {
			rows = append(rows, []any{h.Worker, "ready", "", whole(h.NotReady)})
		}
		rows = append(rows, partCells(h.Worker, "warehouse of ", h.Warehouses)...)
		rows = append(rows, partCells(h.Worker, "Track API of ", h.Track)...)
	}
	if len(rows) == 0 {
		return
	}
	row(w, "NOT OK AT", "PART", "SINCE", "WHY")
	for _, r := range rows {
		row(w, r...)
	}
	row(w)
}

func partCells(worker, what string, parts []operate.Part) (rows [][]any) {
	for _, p := range parts {
		if p.State != operate.PartOK {
			rows = append(rows, []any{worker, what + p.Name, p.Since, whole(string(p.State) + ": " + p.Reason)})
		}
	}
	return rows
}

// policyRows lists the policies of the workers, each once.
func policyRows(w io.Writer, workers []operate.Heartbeat) {
	policies := operate.PoliciesOf(workers)
	if len(policies) == 0 {
		return
	}
	row(w, "POLICY OF", "MODE", "UNKNOWN BOUNCES", "LIMIT", "DRY RUN", "EFFECTS", "SHA256")
	for _, l := range policies {
		row(w, l.Workspace, l.SuppressionMode, l.SuppressUnknown, l.SuppressionLimit, l.DryRun, l.Effects, l.EffectsSHA256)
	}
	row(w)
}
