package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
)

func (c *cli) status() *cobra.Command {
	var out output
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show the stream, the lag of its consumers, the replays and the dead letters",
		Long: `status answers the first questions about a pipeline: is the stream filling up, do
the consumers keep up, and has a message been given up on?

LIMIT is the size in bytes at which the stream refuses new events. PROBLEMS names a
stream from 80 % of its LIMIT on.

LAG counts the messages that a consumer has not handled yet. IN FLIGHT is the part
of LAG that a worker is handling now. REDELIVERED is the part of IN FLIGHT that
failed before, so that a worker is handling the messages again.

LAST CALL is the newest event of each workspace. A WORKER reports itself every 15 s and
is listed for a minute after its end. NOT OK names what a worker cannot reach or may not
do, since when and why. POLICY is what the workers do about bounces and complaints, with
the SHA-256 of the effects file; two lines of one workspace mean that workers differ.

PROBLEMS names what stands still or breaks a promise, with the command to run. A LAG
that grows means too few workers, or an outage: the worker's log has the cause. FIRST
and LAST are the times of the oldest and the newest stored event, in UTC.

status ends with exit code 0 also with problems and dead letters: a script reads
--output json, and alerts are in deploy/.`,
		Example: "  cioctl status\n  cioctl status --nats-url nats://nats.example.com:4222 --nats-creds operator.creds\n  cioctl status --output json | jq -r '.problems[]'",
	}
	return c.onStream(cmd, func(ctx context.Context, conn *stream.Conn, _ []string) error {
		s, err := conn.Status(ctx)
		if err != nil {
			return err
		}
		report := withWorkers(ctx, conn, s)
		return out.print(c.out, report, func(w io.Writer) { statusTable(w, report) })
	}, &out)
}

func statusTable(w io.Writer, s *statusOutput) {
	row(w, "STREAM", "MESSAGES", "BYTES", "LIMIT", "FIRST", "LAST", "REPLICAS")
	row(w, s.Stream.Name, s.Stream.Messages, s.Stream.Bytes, limitText(s.Stream.MaxBytes), s.Stream.First, s.Stream.Last, s.Stream.Replicas)
	row(w)
	row(w, "CONSUMER", "LAG", "IN FLIGHT", "REDELIVERED")
	for _, cons := range s.Consumers {
		row(w, cons.Name, cons.Lag, cons.InFlight, cons.Redelivered)
	}
	row(w)
	storeRows(w, s.Consumers)
	workerRows(w, s)
	if len(s.Replays) > 0 {
		row(w, "REPLAY", "TARGET", "EVENTS")
		for i := range s.Replays {
			row(w, s.Replays[i].ID, s.Replays[i].Target, s.Replays[i].Total)
		}
		row(w)
	}
	deadCounts(w, s.Status)
	if len(s.Problems) > 0 {
		row(w)
		row(w, "PROBLEMS")
		for _, p := range s.Problems {
			row(w, whole(p))
		}
	}
}

// limitText returns a limit in bytes, beside a number of bytes.
func limitText(bytes int64) string {
	if bytes <= 0 {
		return "none"
	}
	return strconv.FormatInt(bytes, 10)
}

func deadCounts(w io.Writer, s *stream.Status) {
	switch {
	case s.Dead == nil:
		row(w, "stream of dead letters missing")
	case len(s.Dead) == 0:
		row(w, "no dead letters")
	default:
		row(w, "DEAD LETTERS FROM", "REASON", "COUNT")
		for _, d := range s.Dead {
			row(w, d.From, d.Reason, d.Count)
		}
		heldHint(w, s.Dead)
	}
}

// heldHint says what to do about suppressions that SUPPRESSION_LIMIT has held.
func heldHint(w io.Writer, dead []stream.DeadStatus) {
	held := uint64(0)
	for _, d := range dead {
		if d.Reason == string(fault.ReasonHeldSuppression) {
			held += d.Count
		}
	}
	if held > 0 {
		row(w)
		sayf(w, "held suppressions: %d; look with cioctl dead list --reason %[2]s, then redrive (deletes the profiles) or drop them", held, fault.ReasonHeldSuppression)
	}
}

// storeRows lists the warehouses, and the events that a warehouse lacks.
func storeRows(w io.Writer, consumers []stream.ConsumerStatus) {
	listed := false
	for _, cons := range consumers {
		if cons.Store == nil {
			continue
		}
		if !listed {
			row(w, "WAREHOUSE OF", "PLACE")
			listed = true
		}
		row(w, cons.Name, whole(cons.Store.Place))
		if cons.Store.Lacks > 0 {
			row(w, "", whole(fmt.Sprintf("was empty after event %d: fill it with cioctl replay start --to %s", cons.Store.Lacks, cons.Name)))
		}
	}
	if listed {
		row(w)
	}
}
