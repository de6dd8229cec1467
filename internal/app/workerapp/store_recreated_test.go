package workerapp_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A cloud is a BigQuery whose Write API learns of tables 5 minutes late.
type cloud struct {
	*bigqueryfake.Server
	passed atomic.Int64
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{}
	begin := time.Now().Add(-time.Hour) // old tables are old by the clock of the test, too
	var err error
	c.Server, err = bigqueryfake.Start(bigqueryfake.Config{
		TableLag: 5 * time.Minute,
		Now:      func() time.Time { return begin.Add(time.Duration(c.passed.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// later passes 10 minutes.
func (c *cloud) later() { c.passed.Add(int64(10 * time.Minute)) }

func (c *cloud) url() string {
	return "bigquery://proj/messaging?" + url.Values{"grpc": {c.GRPCEndpoint()}, "rest": {c.RESTEndpoint()}, "timeout": {"5s"}}.Encode()
}

// rows counts the events that a reader sees.
func (c *cloud) rows() int {
	rows, err := c.View("proj", "messaging", warehouse.Events)
	if err != nil {
		return -1
	}
	return len(rows)
}

// dropTable deletes the table, as "bq rm" does.
func (c *cloud) dropTable(t *testing.T) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete,
		c.RESTEndpoint()+"projects/proj/datasets/messaging/tables/"+bigquery.Raw, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Timeout: 5 * time.Second}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

// Somebody drops BigQuery's table and creates it again while a worker runs. BigQuery
// acknowledges rows and loses them. No event is lost: the worker holds until an operator
// adopts the table.
func TestRecreatedTable(t *testing.T) {
	t.Parallel()
	y, c := newYard(t), newCloud(t)
	f := y.start(&filler{t: t}, c.url(), "warehouse")
	y.until("the table exists", func() bool { return c.Table("proj", "messaging", bigquery.Raw) != nil })
	c.later()
	y.publish(50)
	y.until("the events are handled", func() bool { return y.handled("warehouse") })
	at, err := place.ParseList([]string{c.url()})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		c.recreate(y, f, at[0])
		c.adopt(y, at[0])
	}
	if code, body := f.ready(); code != http.StatusOK {
		t.Errorf("after the adoption the worker is not ready: %s", body)
	}
}

// recreate creates the table again and publishes events. The worker must hold them.
func (c *cloud) recreate(y *yard, f *filler, at place.Place) {
	t := y.t
	t.Helper()
	before := y.link("warehouse")
	c.dropTable(t)
	if err := at.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	y.publish(50)
	y.until("the worker is not ready", f.refuses)
	if _, body := f.ready(); !strings.Contains(body, "cioctl warehouse adopt --consumer warehouse") || !strings.Contains(body, "created the warehouse again") {
		t.Errorf("/readyz says %s", body)
	}
	if !strings.Contains(f.log.String(), "customerio_events_raw was created again at") {
		t.Errorf("the log does not name the table:\n%s", &f.log)
	}
	if got := f.refused(); got != 1 {
		t.Errorf("the instrument is %v, want 1", got)
	}

	c.later() // time alone changes nothing
	if link := y.link("warehouse"); link.Settled != before.Settled || link.Store.ID != before.Store.ID {
		t.Errorf("the consumer has settled %d events of the store %s; want %d of %s", link.Settled, link.Store.ID, before.Settled, before.Store.ID)
	}
}

// adopt adopts the new table and replays all events.
func (c *cloud) adopt(y *yard, at place.Place) {
	t := y.t
	t.Helper()
	plan, err := operate.PlanAdoption(t.Context(), y.conn, at)
	if err != nil {
		t.Fatal(err)
	}
	if err := operate.Adopt(t.Context(), y.conn, at, plan); err != nil {
		t.Fatal(err)
	}
	y.until("the waiting events are handled", func() bool { return y.handled("warehouse") })
	if _, err := y.conn.StartReplay(t.Context(), stream.ReplayRequest{Target: "warehouse"}); err != nil {
		t.Fatal(err)
	}
	y.until("a reader sees all events", func() bool { return c.rows() == y.sent })
}
