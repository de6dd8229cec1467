package guard_test

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

// BenchmarkDrain does the work of a warehouse's worker on a row, except for NATS: parse,
// guard, write to DuckDB. Its CPU profile shows the guard's share.
func BenchmarkDrain(b *testing.B) {
	const marks, batch = 10_000, 5_000
	for _, c := range []struct {
		name   string
		marks  int
		policy *guard.Policy
	}{
		{"plain", 0, nil},
		{"10,000 marks", marks, nil},
		{"hash and redact", 0, policy(b, strictest)},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := readGuard(b, c.marks, c.policy)
			sink, err := duckdb.New(duckdb.Config{Path: filepath.Join(b.TempDir(), "e.duckdb"), Log: zerolog.Nop()})
			if err != nil {
				b.Fatal(err)
			}
			defer sink.Close()
			if err := sink.Open(b.Context()); err != nil {
				b.Fatal(err)
			}
			rows, n := make([]warehouse.Row, batch), 0
			for b.Loop() {
				for i := range rows {
					n++
					if err := rows[i].Parse(benchBody(n), warehouse.Origin{EventID: fmt.Sprint("e", n), Workspace: "acme", ReceivedAt: time.Unix(1_760_000_000, 0), Sequence: uint64(n)}); err != nil {
						b.Fatal(err)
					}
				}
				if err := g.Apply(rows); err != nil {
					b.Fatal(err)
				}
				if _, err := sink.Write(b.Context(), rows); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/row")
		})
	}
}

// benchBody is an event of a person of its own, with the size of a usual event.
func benchBody(n int) []byte {
	return fmt.Appendf(nil, `{"event_id":"01E4C4C6P79C12J5A6KPE6XNF%[1]d","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"action_id":41,"broadcast_id":0,"campaign_id":23,"customer_id":"customer-%[1]d","delivery_id":"RPILAgUBcRhIBqSfeiIwdIYJKxTY%[1]d","identifiers":{"cio_id":"d9c106000001%08[1]d","email":"person-%[1]d@mail.example","id":"customer-%[1]d"},"journey_id":"01G5DF67J0HX93BV80QYG4FD%[1]d","parent_action_id":5,"recipient":"person-%[1]d@mail.example","subject":"Thanks for signing up","trigger_event_id":"01E4C4CT6YDC7Y5M7FE1GWWPQJ"}}`, n)
}

// readGuard returns a guard that has read marks of other persons.
func readGuard(b *testing.B, marks int, p *guard.Policy) *guard.Guard {
	b.Helper()
	key, err := privacy.NewKey("k1", []byte(strings.Repeat("s", 32)))
	if err != nil {
		b.Fatal(err)
	}
	list := &stream.Marks{}
	for i := range marks {
		list.List = append(list.List, key.Mark("acme", privacy.Identifier{Kind: privacy.ID, Value: fmt.Sprint("erased-", i)}))
	}
	now := time.Now()
	g := guard.New(guard.Config{
		Key: key, Policy: p, Log: zerolog.Nop(), Now: func() time.Time { return now },
		ReadMarks: func(context.Context, *stream.Marks) (*stream.Marks, error) { return list, nil },
	})
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		g.Run(ctx)
	}()
	for g.Ready() != nil {
		select {
		case <-time.After(time.Millisecond):
		case <-b.Context().Done():
		}
	}
	cancel()
	<-done
	return g
}
