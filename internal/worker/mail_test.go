package worker_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/worker"
)

// mailAt returns the body of an event of an e-mail to an address. more is a part of data.
func mailAt(recipient, metric, more string) []byte {
	return fmt.Appendf(nil, `{"event_id":"e","object_type":"email","metric":%q,"timestamp":%d,"data":{%s"recipient":%q}}`,
		metric, occurred.Unix(), more, recipient)
}

// mailBatch is a batch of first attempts of the consumer warehouse, received now.
func mailBatch(bodies ...[]byte) []event.Attempt {
	batch := attempts(bodies...)
	for i := range batch {
		batch[i].Consumer, batch[i].ReceivedAt = "warehouse", time.Now()
	}
	return batch
}

func mailRows(sink warehouse.Sink) (*worker.Rows, *prometheus.Registry) {
	reg := prometheus.NewRegistry()
	m := worker.NewMetrics(reg)
	h := worker.NewRows("warehouse", sink, m)
	h.Mail = m.Mail("warehouse", []string{"acme"})
	return h, reg
}

// mailCounts returns the series above 0, as "provider outcome", and the number of all
// series.
func mailCounts(t *testing.T, reg *prometheus.Registry) (counts map[string]float64, series int) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts = map[string]float64{}
	for _, f := range families {
		if f.GetName() != "cioevents_mail_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			series++
			if n := m.GetCounter().GetValue(); n > 0 {
				counts[labelsOf(m)] = n
			}
		}
	}
	return counts, series
}

func labelsOf(m *dto.Metric) string {
	values := map[string]string{}
	for _, l := range m.GetLabel() {
		values[l.GetName()] = l.GetValue()
	}
	return strings.TrimPrefix(values["workspace"]+" ", "acme ") + values["provider"] + " " + values["outcome"]
}

func TestMailOutcomes(t *testing.T) {
	t.Parallel()
	const reason = `"failure_message":%q,`
	h, reg := mailRows(&fakeSink{})
	if _, series := mailCounts(t, reg); series != 5*15 {
		t.Errorf("%d series at the start, want 5 providers with 15 outcomes", series)
	}
	_, whole := handled(t, h, mailBatch(
		mailAt("a@gmail.com", "sent", ""), mailAt("b@gmail.com", "sent", ""), mailAt("a@outlook.com", "delivered", ""),
		mailAt("a@gmail.com", "opened", ""), mailAt("a@gmail.com", "opened", `"prefetched":false,"proxied":true,`),
		mailAt("a@gmail.com", "opened", `"prefetched":true,`), mailAt("a@gmail.com", "opened", `"synthetic":true,`),
		mailAt("a@yahoo.com", "clicked", ""), mailAt("a@yahoo.com", "clicked", `"machine":true,`),
		mailAt("a@icloud.com", "bounced", fmt.Sprintf(reason, "550 5.1.1 no such user")),
		mailAt("a@example.com", "bounced", fmt.Sprintf(reason, "452 4.2.2 over quota")),
		mailAt("a@example.com", "bounced", fmt.Sprintf(reason, "gave up")),
		mailAt("a@gmail.com", "bounced", fmt.Sprintf(reason, "550-5.7.26 unauthenticated, the message was blocked")),
		mailAt("a@yahoo.com", "bounced", fmt.Sprintf(reason, "554 5.7.9 policy")),
		mailAt("a@yahoo.com", "deferred", fmt.Sprintf(reason, "421 4.7.0 [TSS04] temporarily deferred")),
		mailAt("a@gmail.com", "deferred", fmt.Sprintf(reason, "421-4.7.26 unauthenticated")),
		mailAt("a@live.com", "spammed", ""), mailAt("a@live.com", "unsubscribed", ""), mailAt("", "dropped", ""),
		mailAt("a@me.com", "failed", ""), mailAt("a@me.com", "undeliverable", ""),
		mailAt("a@me.com", "attempted", ""), mailAt("a@me.com", "converted", ""), mailAt("a@me.com", "new", ""),
		[]byte(`{"event_id":"p","object_type":"push","metric":"sent","data":{}}`), []byte(`{`),
	))
	if whole != nil {
		t.Fatal(whole)
	}
	want := map[string]float64{
		"gmail sent": 2, "microsoft delivered": 1, "gmail opened_human": 2, "yahoo clicked_human": 1,
		"apple bounced_hard": 1, "other bounced_soft": 1, "other bounced_unknown": 1,
		"gmail unauthenticated": 2, "yahoo blocked": 1, "yahoo deferred": 1,
		"microsoft complained": 1, "microsoft unsubscribed": 1, "other dropped": 1, "apple failed": 1, "apple undeliverable": 1,
	}
	got, series := mailCounts(t, reg)
	if diff := cmp.Diff(want, got); diff != "" || series != 5*15 {
		t.Errorf("%d series; (-want +got):\n%s", series, diff)
	}
}

// The tally of a complaint rate has neither the e-mails nor the complaints of Gmail.
func TestMailTally(t *testing.T) {
	t.Parallel()
	h, _ := mailRows(&fakeSink{})
	_, whole := handled(t, h, mailBatch(
		mailAt("a@gmail.com", "delivered", ""), mailAt("a@gmail.com", "spammed", ""), mailAt("a@outlook.com", "sent", ""),
		mailAt("a@outlook.com", "delivered", ""), mailAt("a@example.com", "delivered", ""), mailAt("a@yahoo.com", "spammed", ""),
	))
	if whole != nil {
		t.Fatal(whole)
	}
	h.Mail.Tally(func(workspace string, delivered, complaints int64) {
		if workspace != "acme" || delivered != 2 || complaints != 1 {
			t.Errorf("%s has %d delivered e-mails and %d complaints, want 2 and 1", workspace, delivered, complaints)
		}
	})
}

// Only the consumer's own first attempt at a new event counts, and only when the row is
// written.
func TestMailCountsEachMessageOnce(t *testing.T) {
	t.Parallel()
	sink := &fakeSink{err: errAway}
	h, reg := mailRows(sink)
	var bodies [][]byte
	for range 6 {
		bodies = append(bodies, mailAt("a@gmail.com", "sent", ""))
	}
	batch := mailBatch(bodies...)
	batch[0].Number = 2                                    // redelivered
	batch[1].Consumer = "replay-1"                         // replayed
	batch[2].ReceivedAt = time.Now().Add(-25 * time.Hour)  // of a consumer that starts over
	batch[3].ReceivedAt = time.Now().Add(-23 * time.Hour)  // after an outage
	batch[4].Workspace, batch[5].Workspace = "new", "acme" // the stream has a workspace more than the settings
	if _, whole := handled(t, h, batch); !errors.Is(whole, errAway) {
		t.Fatalf("error %v, want %v", whole, errAway)
	}
	if got, _ := mailCounts(t, reg); len(got) > 0 {
		t.Errorf("a batch that comes again counts %v", got)
	}
	sink.err = nil
	sink.result = warehouse.Result{Rejected: []warehouse.Rejection{{Index: 5, Err: errAway}}}
	handled(t, h, batch)
	want := map[string]float64{"gmail sent": 1, "new gmail sent": 1}
	if got, _ := mailCounts(t, reg); !cmp.Equal(want, got) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

// discard keeps no rows.
type discard struct{ fakeSink }

func (*discard) Write(context.Context, []warehouse.Row) (warehouse.Result, error) {
	return warehouse.Result{}, nil
}

// BenchmarkMail shows what the count adds to a batch.
func BenchmarkMail(b *testing.B) {
	const n = 5000
	bodies := make([][]byte, n)
	for i := range bodies {
		metric := []string{"sent", "delivered", "opened", "bounced"}[i%4]
		bodies[i] = mailAt(fmt.Sprintf("p%d@gmail.com", i), metric, `"failure_message":"550 5.1.1 no such user",`)
	}
	batch := mailBatch(bodies...)
	for _, count := range []bool{false, true} {
		b.Run(fmt.Sprint("count=", count), func(b *testing.B) {
			h, _ := mailRows(&discard{})
			if !count {
				h.Mail = nil
			}
			for b.Loop() {
				if err := h.Handle(b.Context(), batch, func(int, error) {}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/row")
		})
	}
}
