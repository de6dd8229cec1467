package dev

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// PrintWelcome prints the addresses of the stack and the first commands to try. The
// program is the command in these lines: cioctl, or go run ./cmd/cioctl.
func (s *Stack) PrintWelcome(w io.Writer, program string) {
	key := "your CUSTOMERIO_WEBHOOK_SECRET"
	if s.ownKey() {
		key = DefaultKey
	}
	api, app := cmp.Or(s.cfg.Worker.Track.URL, "Customer.io's")+", with your credentials: effects are real", "Customer.io's"
	// The samples and the campaign have hard bounces, which delete people of a real account.
	send, fakes := "", ""
	if s.Fake != nil {
		command := program + " send" + unless(DefaultURL, " --url ", s.WebhookURL())
		send = "  " + command + " email_bounced_hard email_opened_human\n  " + command + " --campaign 1000\n"
		api = s.FakeURL() + "  a fake; set CUSTOMERIO_SITE_ID and CUSTOMERIO_TRACK_API_KEY for the real one"
		fakes = " --customerio-app-url " + s.FakeURL()
		app = s.FakeURL() + "  a fake: CUSTOMERIO_APP_URL=" + s.FakeURL() + " and any CUSTOMERIO_APP_API_KEY"
	}
	_, _ = fmt.Fprintf(w, `
cioevents is running. Ctrl-C stops it; its data stays in %[1]s and is used again.

  console    %[14]s  look here first
  webhooks   %[2]s  (signing key: %[3]s)
  metrics    http://%[4]s/metrics and http://%[5]s/metrics
  NATS       %[6]s
  Track API  %[7]s
  App API    %[12]s
  warehouse  %[8]s

Try in another terminal:

%[10]s  %[9]s query%[11]s "SELECT metric, count(*) AS events FROM customerio_events GROUP BY ALL ORDER BY 2 DESC"
  %[9]s doctor%[13]s%[11]s

`, s.cfg.Data, s.WebhookURL(), key, s.ingest.AdminAddr(), s.worker.AdminAddr(), s.nats.ClientURL(), api,
		strings.Join(s.workerConfig().Warehouses, ", "), program,
		send, unless(place.DefaultURL, " --warehouse-url ", strings.Join(s.cfg.Worker.Warehouses, ",")), app,
		unless(defaultNATS, " --nats-url ", s.nats.ClientURL())+fakes, s.ConsoleURL())
}

// unless returns the flag with its value, or "" for the default value.
func unless(standard, flag, value string) string {
	if value == standard {
		return ""
	}
	return flag + value
}

func (s *Stack) ownKey() bool {
	all := s.cfg.Ingest.Workspaces.All()
	return len(all) == 1 && len(all[0].Secrets) == 1 && all[0].Secrets[0] == DefaultKey
}

// RunShowing is Run that also writes a line for each second with activity.
func (s *Stack) RunShowing(ctx context.Context, w io.Writer) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Run(ctx) })
	g.Go(func() error {
		s.show(ctx, w)
		return nil
	})
	return g.Wait()
}

// An activity is the counts of finished work since the start.
type activity struct{ events, effects, rows, retries, dead float64 }

func (s *Stack) show(ctx context.Context, w io.Writer) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	var before activity
	for {
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
		now := s.activity()
		if now != before {
			_, _ = fmt.Fprintf(w, "%s  %+.0f events stored   %+.0f profile calls   %+.0f rows", time.Now().UTC().Format(time.TimeOnly+"Z"),
				now.events-before.events, now.effects-before.effects, now.rows-before.rows)
			if d := now.retries - before.retries; d > 0 {
				_, _ = fmt.Fprintf(w, "   %+.0f retries", d)
			}
			if d := now.dead - before.dead; d > 0 {
				_, _ = fmt.Fprintf(w, "   %+.0f DEAD LETTERS", d)
			}
			_, _ = fmt.Fprintln(w)
		}
		before = now
	}
}

func (s *Stack) activity() activity {
	ingest, worker := s.ingest.Metrics(), s.worker.Metrics()
	return activity{
		events:  sum(ingest, "cioevents_ingest_answers_total", "stored"),
		effects: sum(worker, "cioevents_track_calls_total", "ok") - sum(worker, "cioevents_track_calls_total", "ok", "region"),
		rows:    sum(worker, "cioevents_warehouse_rows_total", "inserted"),
		retries: sum(worker, "cioevents_worker_messages_total", "retried"),
		dead:    sum(worker, "cioevents_worker_messages_total", "dead") + sum(ingest, "cioevents_ingest_answers_total", "kept"),
	}
}

// sum adds up the series of a counter that have each of the values in any label.
func sum(g prometheus.Gatherer, name string, values ...string) (total float64) {
	families, err := g.Gather()
	if err != nil {
		return 0
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			labels := map[string]bool{}
			for _, l := range m.GetLabel() {
				labels[l.GetValue()] = true
			}
			all := true
			for _, v := range values {
				all = all && labels[v]
			}
			if all {
				total += m.GetCounter().GetValue()
			}
		}
	}
	return total
}
