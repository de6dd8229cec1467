package workerapp_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/stream"
)

// total returns the sum of an instrument's series with the label.
func (f *filler) total(instrument, label, value string) (sum float64) {
	f.t.Helper()
	families, err := f.app.Metrics().Gather()
	if err != nil {
		f.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if family.GetName() == instrument && l.GetName() == label && l.GetValue() == value {
					sum += m.GetCounter().GetValue()
				}
			}
		}
	}
	return sum
}

// An e-mail event counts once, although two warehouses store the event, and a replay
// writes the event again.
func TestMailCountsOnce(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	f := y.start(&filler{t: t}, "duckdb:"+y.file("e.duckdb")+",parquet:"+t.TempDir(), "warehouse")
	y.publish(40)
	written := func(n float64) func() bool {
		return func() bool {
			return f.total("cioevents_worker_messages_total", "consumer", "warehouse")+f.total("cioevents_worker_messages_total", "consumer", "warehouse-parquet") >= n
		}
	}
	y.until("both warehouses have all events", written(80))
	if _, err := y.conn.StartReplay(t.Context(), stream.ReplayRequest{Target: "warehouse"}); err != nil {
		t.Fatal(err)
	}
	y.until("the events are written again", written(120))
	if n := f.total("cioevents_mail_total", "workspace", "default"); n != 40 {
		t.Errorf("40 e-mail events count %v times", n)
	}
}
