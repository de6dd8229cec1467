package operate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// deadLetters is the stream of dead letters. Both methods are called concurrently and
// return transient errors only.
type deadLetters interface {
	// ReadDeadLetter returns a dead letter with its body, or event.ErrNoDeadLetter.
	ReadDeadLetter(ctx context.Context, entries []uint64) (*event.StoredDeadLetter, error)
	// DeleteDeadLetter deletes a dead letter, or does nothing when the dead letter is gone
	// already.
	DeleteDeadLetter(ctx context.Context, entries []uint64) error
}

// A publisher puts messages into the stream. After an error that is not permanent,
// the message may or may not be stored, and the next run repeats the call.
type publisher interface {
	Publish(ctx context.Context, m *event.Message) (duplicate bool, err error)
	// Redrive stores m for one consumer alone, and once for all calls with an equal
	// key.
	Redrive(ctx context.Context, consumer, key string, m *event.Message) (duplicate bool, err error)
	// MaxBody returns the size of the largest body that the stream accepts, in bytes.
	MaxBody() int
}

// redriveConcurrency is the number of dead letters that are sent at a time.
const redriveConcurrency = 16

// RedriveDeadLetters sends the dead letters with these entries again. The dead letter
// of a consumer goes to this consumer only. A dead letter of ingest is parsed again and
// published as a new event. A held suppression stays unless release is set: releasing it
// deletes a profile for good. RedriveDeadLetters calls progress concurrently, once for
// each dead letter.
//
// Each dead letter is published, then deleted. An error ends the run early, and another
// run continues with the rest. After an interruption between publishing and deleting,
// the next run publishes the same message id. The stream drops the duplicate within its
// window of de-duplication, and after the window the effects themselves tolerate a
// repetition.
func RedriveDeadLetters(ctx context.Context, conn *stream.Conn, letters [][]uint64, release bool, progress func()) (RedriveReport, error) {
	status, err := conn.Status(ctx)
	if err != nil {
		return RedriveReport{}, err
	}
	pub, err := stream.NewPublisher(conn, 0)
	if err != nil {
		return RedriveReport{}, err
	}
	defer pub.Close()
	r := redriver{dead: conn, publisher: pub, consumers: status.Consumers, concurrency: redriveConcurrency, release: release, progress: progress}
	return r.redrive(ctx, letters)
}

// PlanRedrive returns the report that RedriveDeadLetters would return, and the number of
// people in the held suppressions that it would release. PlanRedrive changes nothing. A
// dead letter that the stream would refuse counts as redriven.
func PlanRedrive(ctx context.Context, conn *stream.Conn, letters [][]uint64, release bool) (report RedriveReport, people int, err error) {
	status, err := conn.Status(ctx)
	if err != nil {
		return RedriveReport{}, 0, err
	}
	r := redriver{
		dead: conn, consumers: status.Consumers, concurrency: redriveConcurrency, release: release, progress: func() {},
		plans: true, people: map[effect.Person]bool{},
	}
	report, err = r.redrive(ctx, letters)
	return report, len(r.people), err
}

// A RedriveReport counts dead letters by the result of a redrive.
type RedriveReport struct {
	Redriven int `json:"redriven"`
	// Duplicates is the part of Redriven that the stream had already, because an earlier
	// run was interrupted or ingest has received the event again.
	Duplicates int `json:"duplicates"`
	// Gone counts the dead letters that somebody else redrove or dropped meanwhile.
	Gone int `json:"gone"`
	// Kept counts the dead letters that stay, by reason.
	Kept map[string]int `json:"kept"`
}

// A redriver is one run of RedriveDeadLetters.
type redriver struct {
	dead      deadLetters
	publisher publisher
	// consumers lists the existing consumers, as dead letters of other consumers stay.
	consumers   []stream.ConsumerStatus
	concurrency int
	release     bool // held suppressions
	progress    func()
	plans       bool // change nothing

	mu     sync.Mutex
	report RedriveReport
	people map[effect.Person]bool // of a plan's held suppressions
}

func (r *redriver) redrive(ctx context.Context, letters [][]uint64) (RedriveReport, error) {
	r.report.Kept = map[string]int{}
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(r.concurrency)
	for _, entries := range letters {
		if running.Err() != nil {
			break
		}
		g.Go(func() error { return r.one(running, entries) })
	}
	return r.report, cmp.Or(g.Wait(), ctx.Err())
}

// stepTimeout bounds the work on one dead letter. An interruption does not end the
// work, because a published dead letter must be deleted, if at all possible.
const stepTimeout = 10 * time.Second

func (r *redriver) one(ctx context.Context, entries []uint64) error {
	if ctx.Err() != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stepTimeout)
	defer cancel()
	duplicate, kept, err := r.publish(ctx, entries)
	gone := errors.Is(err, event.ErrNoDeadLetter)
	if err == nil && kept == "" && !r.plans {
		err = r.dead.DeleteDeadLetter(ctx, entries)
	}
	if err != nil && !gone {
		return fmt.Errorf("redrive dead letter %d: %w", entries[0], err)
	}
	r.mu.Lock()
	switch {
	case gone:
		r.report.Gone++
	case kept != "":
		r.report.Kept[kept]++
	default:
		r.report.Redriven++
		if duplicate {
			r.report.Duplicates++
		}
	}
	r.mu.Unlock()
	r.progress()
	return nil
}

// publish sends one dead letter, or returns in kept the reason why the dead letter
// stays.
func (r *redriver) publish(ctx context.Context, entries []uint64) (duplicate bool, kept string, err error) {
	b, err := r.dead.ReadDeadLetter(ctx, entries)
	if err != nil {
		return false, "", err
	}
	if kept = r.keeps(b); kept != "" {
		return false, kept, nil
	}
	m := &b.Message
	switch {
	case r.plans:
		r.note(b)
		return false, "", nil
	case b.From == event.FromIngest:
		m.Fit(r.publisher.MaxBody()) // as ingest does
		duplicate, err = r.publisher.Publish(ctx, m)
	default:
		m.Released = m.Released || b.Reason == fault.ReasonHeldSuppression
		duplicate, err = r.publisher.Redrive(ctx, b.From, b.Key, m)
	}
	if reason, ok := fault.PermanentReason(err); ok {
		return false, "the stream refuses it: " + string(reason), nil
	}
	return duplicate, "", err
}

// keeps returns the reason why a dead letter stays, or "". It parses the body of an
// ingest's dead letter again.
func (r *redriver) keeps(b *event.StoredDeadLetter) string {
	switch {
	case b.Missing > 0:
		return "parts of the body are missing"
	case b.Reason == fault.ReasonHeldSuppression && !r.release:
		return "held suppressions: redrive them by their reason alone, " + string(b.Reason) + ", which deletes the profiles"
	case b.From == event.FromIngest:
		if err := b.Index(); err != nil {
			return "the body is still no event: " + string(event.ParseReason(err))
		}
	default:
		return r.unreachable(&b.Message, b.From)
	}
	return ""
}

// unreachable returns the reason why no consumer would receive the redriven message, or "".
func (r *redriver) unreachable(m *event.Message, consumer string) string {
	i := slices.IndexFunc(r.consumers, func(s stream.ConsumerStatus) bool { return s.Name == consumer })
	switch {
	case i < 0:
		return "there is no consumer " + consumer
	case !r.consumers[i].Receives(m):
		return "consumer " + consumer + " does not read its redriven messages: add the subject customerio.redrive." + consumer + ".> to its filter"
	}
	return ""
}

// note remembers the person of a held suppression.
func (r *redriver) note(b *event.StoredDeadLetter) {
	if b.Reason != fault.ReasonHeldSuppression {
		return
	}
	e, err := webhook.Parse(b.Body)
	if err != nil {
		return
	}
	if person, ok := effect.PersonOf(e); ok {
		r.mu.Lock()
		r.people[person] = true
		r.mu.Unlock()
	}
}
