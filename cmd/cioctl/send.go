package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/dev"
	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

type sendOptions struct {
	output
	url, addr, secret    string
	campaign, id, retry  int
	connections          int
	rate                 float64
	bodyOnly, list, from bool
	loss                 loss
}

func (c *cli) send() *cobra.Command {
	var o sendOptions
	cmd := &cobra.Command{
		Use:   "send [sample ...]",
		Short: "Send signed sample events, your own events or simulated messages",
		Long: `send signs events and posts them to a receiver, as Customer.io does. It sends

  without arguments   every sample once (--list prints the names)
  sample ...          the named samples
  --stdin             each line of standard input as one event
  --campaign N        the events of N simulated messages

"sent" counts the events that the receiver accepted. "duplicates" is the part of sent
that the receiver had stored before; "kept" is the part that it cannot parse: see
cioctl dead list. A sample has a fixed event_id: sent again, it is a duplicate.

--campaign simulates the last six days of a company, anew in each run, with about 2.5
events for each message: look at them with cioctl report --days 7. N of 2,000 or more
has every kind of event:

  sources     campaigns 1 to 3, newsletters 1 and 2, broadcast 1, and the transactional
              messages 1, order_confirmation and password_reset; two A/B tests
  channels    e-mail, push, SMS and in-app
  recipients  at Gmail, Microsoft, Yahoo, Apple and elsewhere, with rates of their own
  events      opens and clicks by people, machines and proxies, clicks without an open,
              hard, soft and refused bounces, late deliveries, complaints, opt-outs,
              changed preferences, messages to another address than the person's

With --campaign-id all messages are e-mails of this one campaign, about 2.6 events each.

No simulated person can be real: the ids begin with simulated- or person-, and the
addresses are of a form that no mailbox provider allows, or at example.com. To a worker
they are people like others: bounces and complaints suppress them, and the warehouse
keeps their rows.

--lose 2% does not send 2 % of the simulated events, as if their webhooks had been lost,
and prints a JSON line with the ids of each. With --fake-url the fake App API of cioctl
dev knows the lost events until dev ends, and cioctl audit finds them. The fake lists
the newest 20,000 messages: audit cannot find lost events of older ones. With several
workspaces, audit also names the events of the others, because the fake has one list.

To send stored events again:

  cioctl tail --since -1h --output json | jq -c .body > events.jsonl    # then Ctrl-C
  cioctl send --stdin < events.jsonl

The receiver is --url, or the address in INGEST_ADDR on this machine. send ends with
exit code 1 if an event was not accepted: 401 means another signing key, 404 another
path, 503 that the receiver cannot store now (--retries waits for it).`,
		Example: "  cioctl send email_bounced_hard\n  cioctl send --url https://hooks.example.com/webhooks/customerio/acme email_opened_human\n  cioctl send --campaign 1000 --rate 200\n  cioctl send --campaign 1000 --lose 2% --lost lost.jsonl --fake-url http://127.0.0.1:8081\n  cioctl send --stdin < events.jsonl",
		Args:    cobra.ArbitraryArgs,

		ValidArgsFunction: sampleNames,
	}
	flags := cmd.Flags()
	flags.Var(config.Above0(&o.campaign, 0), "campaign", "simulate this number of messages")
	flags.IntVar(&o.id, "campaign-id", 0, "send all simulated messages as e-mails of the campaign with this campaign_id; 0 sends all kinds of messages")
	flags.BoolVar(&o.from, "stdin", false, "send each line of standard input as one event")
	flags.BoolVar(&o.list, "list", false, "print the names of the samples and send nothing")
	flags.BoolVar(&o.bodyOnly, "body-only", false, "sign the raw body alone, without a timestamp: the signature \"body\" of the receiver")
	flags.Var(config.AtLeast0(&o.rate, 0), "rate", "events a second, 0 for as fast as possible")
	flags.Var(config.Above0(&o.connections, 16), "connections", "number of calls at a time")
	flags.Var(config.AtLeast0(&o.retry, 0), "retries", "how often to repeat a call that is answered 503 or not at all")
	return c.command(cmd, func(ctx context.Context, args []string) error { return c.sendAll(ctx, o, args) }, &o)
}

// Declare adds the settings to the set.
func (o *sendOptions) Declare(s *config.Set) {
	s.Flags().StringVar(&o.url, "url", "", "webhook URL of the receiver, such as "+dev.DefaultURL+" (default: the address in INGEST_ADDR)")
	s.Address(&o.addr, "INGEST_ADDR", dev.DefaultAddr, "address of a receiver on this machine, for a missing --url")
	s.Check(func() error {
		if o.url == "" {
			o.url = webhookURL(o.addr)
		}
		return config.WebAddress("--url", o.url, dev.DefaultURL)
	})
	s.Secret(&o.secret, "CUSTOMERIO_WEBHOOK_SECRET", "signing key; the default is the key of cioctl dev")
	o.loss.declare(s)
	o.output.Declare(s)
}

// webhookURL returns the URL of a receiver on this machine that listens on addr.
func webhookURL(addr string) string {
	host, port, _ := net.SplitHostPort(addr) // checked
	if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
		host = "127.0.0.1" // the listener of all addresses
	}
	return "http://" + net.JoinHostPort(host, port) + ingest.Path
}

func (c *cli) sendAll(ctx context.Context, o sendOptions, args []string) error {
	if o.list {
		for _, p := range webhooktest.Payloads() {
			_, _ = fmt.Fprintln(c.out, p.Name)
		}
		return nil
	}
	if err := o.check(args); err != nil {
		return &config.UsageError{Err: err}
	}
	input := &lineReader{}
	if o.from {
		input.in = c.stdin(ctx)
	}
	bodies, total, err := bodies(o, args, input)
	if err != nil {
		return &config.UsageError{Err: err}
	}
	key := append(config.SplitList(o.secret), dev.DefaultKey)[0]
	written, err := o.loss.open(c.out)
	if err != nil {
		return err
	}
	bar, finish := c.bar(total)
	report, err := operate.Sender{
		URL: o.url, Key: key, BodyOnly: o.bodyOnly, Connections: o.connections, Rate: o.rate, Retries: o.retry, Progress: bar.Increment,
	}.Send(ctx, o.loss.from(bodies, bar.Increment))
	finish()
	out := c.out
	if o.loss.share > 0 && o.loss.list == "" {
		out = c.err
	}
	err = errors.Join(err, written(ctx), input.err, o.print(out, report, func(w io.Writer) { sendTable(w, &report) }))
	if err == nil && report.Failed > 0 {
		err = fmt.Errorf("%d of %d events were not accepted; first failure: %s%s", report.Failed, report.Sent+report.Failed, report.Refusal, advice(report.Answers))
	}
	return err
}

func sendTable(w io.Writer, r *operate.SendReport) {
	row(w, "sent", r.Sent)
	row(w, "duplicates", r.Duplicates, whole("of the sent: the receiver had stored these events before"))
	row(w, "kept", r.Kept, whole("of the sent: no events, kept as dead letters: see cioctl dead list"))
	row(w, "failed", r.Failed)
	row(w, "seconds", r.Seconds)
	row(w, "p50", r.P50.Round(time.Microsecond))
	row(w, "p99", r.P99.Round(time.Microsecond))
}

// check reports settings that cannot work together.
func (o *sendOptions) check(args []string) error {
	if o.from && o.campaign > 0 || len(args) > 0 && (o.from || o.campaign > 0) {
		return errors.New("samples, --stdin and --campaign exclude each other: give one of the three")
	}
	if o.id != 0 && o.campaign == 0 {
		return errors.New("--campaign-id needs --campaign, the number of messages")
	}
	return o.loss.check(o.campaign)
}

// advice says what to check after answers that were not 2xx.
func advice(answers map[int]int) string {
	switch {
	case answers[0] > 0:
		return "; check that the receiver is running (cioctl dev) and that --url or INGEST_ADDR is right"
	case answers[http.StatusUnauthorized] > 0:
		return "; --customerio-webhook-secret must be a key of the receiver"
	case answers[http.StatusNotFound] > 0:
		return "; the path of --url must be /webhooks/customerio or /webhooks/customerio/WORKSPACE"
	case answers[http.StatusServiceUnavailable] > 0:
		return "; the receiver cannot store events now: read its log, or wait for it with --retries"
	default:
		return ""
	}
}

// bodies returns the events to send and their number, -1 when unknown.
func bodies(o sendOptions, args []string, input *lineReader) (iter.Seq[[]byte], int64, error) {
	switch {
	case o.from:
		return input.all, -1, nil
	case o.campaign > 0:
		s := simulate(o, time.Now())
		return s.Events(), int64(s.Totals().Events), nil
	}
	list, err := samples(args)
	return slices.Values(list), int64(len(list)), err
}

// A simulation is a webhooktest.Mix or a webhooktest.Campaign.
type simulation interface {
	Events() iter.Seq[[]byte]
	Totals() webhooktest.Totals
}

// simulate returns a new simulation that ends at the time now. A campaign has its last
// reaction before the end, because hardly one comes after two days.
func simulate(o sendOptions, now time.Time) simulation {
	seed, start := uint64(now.UnixNano()), now.Add(-webhooktest.MixDuration)
	if o.id == 0 {
		return webhooktest.Mix{Seed: seed, Deliveries: o.campaign, Start: start}
	}
	return webhooktest.Campaign{Seed: seed, Deliveries: o.campaign, CampaignID: int64(o.id), Start: start}
}

// samples returns the bodies of the named samples, or of all samples without names.
func samples(names []string) (list [][]byte, err error) {
	bodies := map[string][]byte{}
	for _, p := range webhooktest.Payloads() {
		bodies[p.Name] = p.Body
	}
	if len(names) == 0 {
		names = slices.Sorted(maps.Keys(bodies))
	}
	for _, name := range names {
		if bodies[name] == nil {
			return nil, fmt.Errorf("there is no sample %q; see cioctl send --list", name)
		}
		list = append(list, bodies[name])
	}
	return list, nil
}
