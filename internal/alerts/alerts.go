// Package alerts tells people what needs them, by a webhook and without Prometheus.
package alerts

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// leases is the number of looks after which another worker replaces a holder that has not
// changed the book: longer than the longest look with one attempt to send.
const leases = 4

// releaseWithin bounds the release of the book by a worker that stops.
const releaseWithin = time.Second

// An Alerter looks for conditions and sends the onset and the end of each, once. Of several
// workers the holder of the book does so. Each change of the book is a compare-and-set, and
// the book says that an alert is due before the alert is sent: the next holder sends what a
// crashed holder has left. A holder that crashes between the receiver's answer and the
// change of the book makes the next holder repeat the message, with the same id.
type Alerter struct {
	cfg    Config
	conn   *stream.Conn
	sender *Sender

	// The revision of the book at the last look, and since when it is the last.
	revision uint64
	since    time.Time
	// unsaved has the messages that the receiver has accepted and the book lacks.
	unsaved []message
	logged  string // the last logged error
}

// New returns an Alerter that Run starts.
func New(cfg Config, conn *stream.Conn) (*Alerter, error) {
	if cfg.Worker == "" {
		return nil, errors.New("alerts config lacks the name of the worker")
	}
	sender, err := NewSender(cfg)
	if err != nil {
		return nil, err
	}
	cfg.Every = cmp.Or(cfg.Every, operate.HeartbeatEvery)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Metrics == nil {
		cfg.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	return &Alerter{cfg: cfg, conn: conn, sender: sender}, nil
}

// Run looks and sends until ctx ends, and finishes a message in flight. While NATS is away,
// Run sends nothing: the workers cannot agree on a sender.
func (a *Alerter) Run(ctx context.Context) {
	work := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		err := a.turn(ctx, work)
		if errors.Is(err, stream.ErrStateConflict) { // another worker holds the book now
			err = nil
		}
		if text := errorText(err); text != a.logged {
			a.logged = text
			if err != nil {
				a.cfg.Log.Warn().Err(err).Msg("alerts not looked for, trying again")
			}
		}
		select {
		case <-time.After(a.cfg.Every + rand.N(a.cfg.Every/10+1)):
		case <-ctx.Done():
		}
	}
	a.release(work)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// turn is one look, if this worker is or becomes the holder.
func (a *Alerter) turn(ctx, work context.Context) error {
	b, err := a.open(work)
	if err != nil || b == nil {
		return err
	}
	now := a.cfg.Now()
	f, err := look(work, a.conn, now)
	if err != nil {
		return err
	}
	b.update(f, a.cfg.FeedQuiet)
	b.Holder, b.At = a.cfg.Worker, now.UTC()
	if err := a.save(work, b); err != nil {
		return err
	}
	if now.Before(b.Retry) {
		return nil
	}
	for _, m := range b.due() {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the worker stops, and the next holder goes on
		}
		sent := a.send(work, &m)
		if sent {
			b.sent(&m)
		} else {
			b.failed(a.cfg.Now())
		}
		b.At = a.cfg.Now().UTC()
		if err := a.save(work, b); err != nil || !sent {
			return err
		}
	}
	return nil
}

// open reads the book. It returns nil while another worker holds the book.
func (a *Alerter) open(ctx context.Context) (*book, error) {
	value, revision, err := a.conn.State().Get(ctx, bookKey)
	if errors.Is(err, stream.ErrNoKey) {
		a.revision = 0
		return &book{Alerts: map[string]*alert{}}, nil
	}
	if err != nil {
		return nil, err
	}
	b, err := parseBook(value)
	if err != nil {
		return nil, err
	}
	if revision != a.revision {
		a.revision, a.since = revision, a.cfg.Now()
	}
	if b.Holder != a.cfg.Worker && b.Holder != "" && a.cfg.Now().Sub(a.since) < leases*a.cfg.Every {
		return nil, nil //nolint:nilnil // not this worker's book
	}
	for i := range a.unsaved {
		b.sent(&a.unsaved[i])
	}
	return b, nil
}

// save replaces the book. The error is stream.ErrStateConflict when another worker holds the
// book now.
func (a *Alerter) save(ctx context.Context, b *book) (err error) {
	revision := a.revision
	if revision == 0 {
		revision, err = a.conn.State().Create(ctx, bookKey, b.json(), 0)
	} else {
		revision, err = a.conn.State().Update(ctx, bookKey, b.json(), revision)
	}
	if err != nil {
		return err
	}
	a.revision, a.since, a.unsaved = revision, a.cfg.Now(), nil
	return nil
}

// send sends a message and reports whether the receiver has accepted the message.
func (a *Alerter) send(ctx context.Context, m *message) bool {
	log := a.cfg.Log.With().Str("topic", string(m.Topic)).Str("subject", m.Subject).Bool("over", m.Over).Logger()
	if err := a.sender.send(ctx, m); err != nil {
		a.cfg.Metrics.total.WithLabelValues(string(m.Topic), resultFailed).Inc()
		log.Warn().Err(err).Msg("alert not sent, trying again")
		return false
	}
	a.unsaved = append(a.unsaved, *m)
	a.cfg.Metrics.total.WithLabelValues(string(m.Topic), resultSent).Inc()
	log.Info().Msg("alert sent")
	return true
}

// release lets another worker hold the book at once.
func (a *Alerter) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, releaseWithin)
	defer cancel()
	b, err := a.open(ctx)
	if err != nil || b == nil || b.Holder != a.cfg.Worker {
		return
	}
	b.Holder = ""
	_ = a.save(ctx, b) // otherwise another worker replaces this one a little later
}
