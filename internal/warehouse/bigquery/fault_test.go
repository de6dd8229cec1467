package bigquery_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// BigQuery's list of bad rows may be incomplete.
func TestRowsRefusedOneAfterAnother(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	bad := bigqueryfake.Fault{Kind: bigqueryfake.BadRows, Rows: []int{2}}
	p.Fault(sequence(bad, bad, bad))
	result, err := sink.Write(t.Context(), rows(t, 0, 10))
	if err != nil || result.Inserted != 7 || len(result.Rejected) != 3 {
		t.Fatalf("result is %+v, %v", result, err)
	}
	for i, r := range result.Rejected {
		if r.Index != 2+i {
			t.Errorf("rejection %d is of row %d; want %d", i, r.Index, 2+i)
		}
	}
}

func TestAllRowsRefused(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	p.Fault(sequence(bigqueryfake.Fault{Kind: bigqueryfake.BadRows, Rows: []int{0, 1}}))
	result, err := sink.Write(t.Context(), rows(t, 0, 2))
	if err != nil || result.Inserted != 0 || len(result.Rejected) != 2 {
		t.Errorf("result is %+v, %v", result, err)
	}
}

// A lost answer causes repeated rows. The view hides them.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	random := rand.New(rand.NewPCG(1, 2))
	p.Fault(func(bigqueryfake.Request) bigqueryfake.Fault {
		kinds := []bigqueryfake.Kind{bigqueryfake.DropAfter, bigqueryfake.DropBefore, bigqueryfake.Unavailable}
		if i := random.IntN(12); i < len(kinds) {
			return bigqueryfake.Fault{Kind: kinds[i]}
		}
		return bigqueryfake.Fault{}
	})
	const size, batches = 600, 10
	all := rows(t, 0, size*batches)
	for i := range batches {
		if result, _ := write(t, sink, all[i*size:(i+1)*size]); result.Inserted != size {
			t.Fatalf("result is %+v", result)
		}
	}
	wantRows(t, p, all)
	if raw := len(p.raw()); raw <= len(all) {
		t.Errorf("the table has %d rows; want more than %d", raw, len(all))
	}
}

// BigQuery closes connections from time to time. Write recovers without an error.
func TestHungUpOnce(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	for i, kind := range []bigqueryfake.Kind{bigqueryfake.DropBefore, bigqueryfake.Unavailable} {
		p.Fault(sequence(bigqueryfake.Fault{Kind: kind}))
		batch := rows(t, i*1_000, 1_000)
		if _, err := sink.Write(t.Context(), batch); err != nil {
			t.Errorf("%d: %v", kind, err)
		}
	}
	wantRows(t, p, rows(t, 0, 2_000))
	if raw := len(p.raw()); raw != 2_000 {
		t.Errorf("the table has %d rows; want 2000: acknowledged rows are not sent again", raw)
	}
}

// BigQuery closes idle connections. The next Write opens new ones, and sends each row once.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{IdleClose: 500 * time.Millisecond}) // longer than a pause within a batch on a busy machine
	sink := open(t, p.config())
	all := rows(t, 0, 1_800)
	for i := range 3 {
		if _, err := sink.Write(t.Context(), all[i*600:(i+1)*600]); err != nil {
			t.Error(err)
		}
		<-time.After(800 * time.Millisecond) // the network has no synctest
	}
	wantRows(t, p, all)
	if raw := len(p.raw()); raw != len(all) {
		t.Errorf("the table has %d rows; want %d", raw, len(all))
	}
}

func TestPermissionDeniedThenGranted(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	batch := rows(t, 0, 100)
	p.Fault(func(bigqueryfake.Request) bigqueryfake.Fault {
		return bigqueryfake.Fault{Kind: bigqueryfake.PermissionDenied}
	})
	for range 2 {
		_, err := sink.Write(t.Context(), batch)
		if err == nil || !strings.Contains(err.Error(), "roles/bigquery.dataEditor") {
			t.Fatalf("error is %v; want one that names the role", err)
		}
		if _, permanent := fault.PermanentReason(err); permanent {
			t.Error("the error is permanent")
		}
	}
	p.Fault(nil)
	if _, err := sink.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	wantRows(t, p, batch)
}

func TestQuota(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	p.Fault(sequence(bigqueryfake.Fault{Kind: bigqueryfake.ThroughputQuota}))
	batch := rows(t, 0, 100)
	_, err := sink.Write(t.Context(), batch)
	if wait, ok := fault.RetryWait(err); !ok || wait < time.Second {
		t.Errorf("error is %v, with a wait of %v", err, wait)
	}
	if _, err := sink.Write(t.Context(), batch); err != nil {
		t.Error(err)
	}
	wantRows(t, p, batch)
}

func TestMissingTable(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	cfg := p.config()
	cfg.Timeout = 2 * time.Second
	sink := newSink(t, cfg)
	_, err := sink.Write(t.Context(), rows(t, 0, 1))
	if err == nil || !strings.Contains(err.Error(), "cioctl warehouse migrate") {
		t.Errorf("error is %v", err)
	}
}

// Rows of a failed request may still be on their way, so Write does not reuse their
// buffers.
func TestRowsOnTheirWayStayUnchanged(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	cfg := p.config()
	cfg.Timeout = time.Second
	sink := hasty(t, p, cfg)
	p.Fault(func(r bigqueryfake.Request) bigqueryfake.Fault {
		if r.Number%3 == 2 {
			return bigqueryfake.Fault{Delay: 3 * time.Second}
		}
		return bigqueryfake.Fault{}
	})
	all := rows(t, 0, 300)
	for from := 0; from < len(all); from += 100 {
		write(t, sink, all[from:from+100])
	}
	wantRows(t, p, all)
	want := payloads(all)
	for _, row := range p.raw() {
		if row["payload"] != want[row["event_id"].(string)] {
			t.Fatalf("event %v has the payload of another event", row["event_id"])
		}
	}
}
