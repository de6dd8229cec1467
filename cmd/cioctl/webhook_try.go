package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A webhookTrial is what cioctl webhook test prints.
type webhookTrial struct {
	EventID string  `json:"event_id"`
	Answer  float64 `json:"answer_seconds"`
	Row     float64 `json:"row_seconds,omitempty"` // 0 if the warehouse charges for queries
	Query   string  `json:"query"`
}

func (c *cli) webhookTest() *cobra.Command {
	var ws workspaceSetting
	var at endpointSetting
	var list warehouseSetting
	var o output
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "test",
		Short: "Send a signed sample event to the public URL, and wait for its row",
		Long: `test posts one signed event to --url, as Customer.io does, and waits until the
warehouse has its row: DNS, certificate, load balancer, signing key, ingest, stream and
worker all have to work. The event has the object type "test", which no effect applies
to and no view counts. Customer.io takes no part: test works while the webhook is
disabled.

test fails when the call is not answered with 2xx: 401 means another signing key, 404
another path. It also fails without a row after --wait. BigQuery charges for each look:
test then ends after the answer and prints the query to run.`,
		Example: "  CUSTOMERIO_WEBHOOK_SECRET_FILE=key.txt cioctl webhook test --url " + publicURL,
	}
	cmd.Flags().Var(config.Span(&wait, time.Minute), "wait", "how long to wait for the row")
	key := declare(func(s *config.Set) {
		ws.declare(s, config.WantSecrets)
		s.Check(ws.requireSecret)
	})
	return c.command(cmd, func(ctx context.Context, _ []string) error {
		trial, err := c.tryWebhook(ctx, at.url, ws.chosen.Secrets[0], list.places, wait)
		if err != nil {
			return err
		}
		return o.print(c.out, trial, func(w io.Writer) { webhookTrialTable(w, trial) })
	}, key, &at, &list, &o)
}

func (w *workspaceSetting) requireSecret() error {
	if w.chosen.Name == "" || len(w.chosen.Secrets) > 0 {
		return nil
	}
	return fmt.Errorf("%s: is required: give the signing key that ingest has", config.Variable(w.chosen.Name, "WEBHOOK_SECRET"))
}

func (c *cli) tryWebhook(ctx context.Context, url, key string, places []place.Place, wait time.Duration) (*webhookTrial, error) {
	start := time.Now()
	id, body := doctor.Sample(start)
	sent, err := operate.Sender{URL: url, Key: key}.Send(ctx, slices.Values([][]byte{body}))
	if err != nil {
		return nil, err
	}
	if sent.Failed > 0 {
		return nil, fmt.Errorf("the event was not accepted: %s%s", sent.Refusal, advice(sent.Answers))
	}
	trial := &webhookTrial{
		EventID: id, Answer: time.Since(start).Seconds(),
		Query: fmt.Sprintf("SELECT * FROM customerio_events WHERE event_id = '%s'", id),
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	err = doctor.AwaitRow(ctx, places, id)
	if err == nil {
		trial.Row = time.Since(start).Seconds()
	}
	if errors.Is(err, doctor.ErrCharges) {
		err = nil
	}
	return trial, err
}

func webhookTrialTable(w io.Writer, t *webhookTrial) {
	row(w, "event", t.EventID)
	row(w, "answer after", fmt.Sprintf("%.2f s", t.Answer))
	if t.Row > 0 {
		row(w, "row after", fmt.Sprintf("%.2f s", t.Row))
		return
	}
	row(w, "row", whole("not looked for, run: "+t.Query))
}
