package alerts

import (
	"context"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// lookWithin bounds the questions of a look.
const lookWithin = 10 * time.Second

// facts is what a look asks: the streams and the heartbeats of all workers. Every worker
// would find out the same.
type facts struct {
	now     time.Time
	calls   []operate.LastCall
	dead    []stream.DeadStatus
	oldest  map[string]time.Time // by consumer, when the oldest unsettled message was stored
	workers []operate.Heartbeat
}

func look(ctx context.Context, conn *stream.Conn, now time.Time) (*facts, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	f := &facts{now: now}
	status, err := conn.Status(ctx)
	if err != nil {
		return nil, err
	}
	f.dead = status.Dead
	if f.oldest, err = conn.OldestOf(ctx, status.Consumers); err != nil {
		return nil, err
	}
	if f.calls, err = operate.LastCalls(ctx, conn); err != nil {
		return nil, err
	}
	f.workers, err = operate.Workers(ctx, conn)
	return f, err
}

// conditions returns what the look has found out. deadBefore has the dead letters of the
// last look by subject, nil before the first.
func (f *facts) conditions(quiet time.Duration, deadBefore map[string]uint64) (list []condition) {
	list = append(list, f.feeds(quiet)...)
	list = append(list, f.deadLetters(deadBefore)...)
	list = append(list, f.late()...)
	list = append(list, f.parts()...)
	return append(list, f.complaints()...)
}

func (f *facts) feeds(quiet time.Duration) (list []condition) {
	for _, c := range f.calls {
		silence := f.now.Sub(c.At)
		list = append(list, condition{FeedStalled, c.Workspace, quiet > 0 && silence > quiet, fmt.Sprintf(
			"No signed call of workspace %s has come for %s, since %s. Customer.io holds every later event back behind one that it could not deliver. "+
				"Look at the answers of ingest and of the load balancer, then at the webhook's page in Customer.io.",
			c.Workspace, roughly(silence), clock(c.At),
		)})
	}
	return list
}

// roughly writes a duration in minutes.
func roughly(d time.Duration) string {
	d = d.Round(time.Minute)
	text := d.String()
	if d >= time.Minute {
		text = text[:len(text)-len("0s")]
	}
	return text
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// deadSubject names the dead letters of a consumer, or of ingest, with a reason.
func deadSubject(d stream.DeadStatus) string { return d.From + " (" + d.Reason + ")" }

func (f *facts) deadLetters(before map[string]uint64) (list []condition) {
	for _, d := range f.dead {
		if d.Reason == string(fault.ReasonHeldSuppression) {
			list = append(list, condition{SuppressionsHeld, d.From, d.Count > 0, fmt.Sprintf(
				"SUPPRESSION_LIMIT holds suppressions of consumer %s: %d. Nobody is deleted until you decide, within 90 days. "+
					"Look with cioctl dead list --reason held_suppression, then redrive (deletes the profiles) or drop them.", d.From, d.Count,
			)})
			continue
		}
		subject := deadSubject(d)
		list = append(list, condition{DeadLetters, subject, before != nil && d.Count > before[subject], fmt.Sprintf(
			"New dead letters of %s: %d, and %d in all. Look with cioctl dead list, then redrive or drop them.",
			subject, d.Count-min(before[subject], d.Count), d.Count,
		)})
	}
	return list
}

// lateAfter is the age of the oldest unsettled message from which a consumer is late.
const lateAfter = time.Hour

func (f *facts) late() (list []condition) {
	for name, stored := range f.oldest {
		age := f.now.Sub(stored)
		list = append(list, condition{ConsumerLate, name, !stored.IsZero() && age > lateAfter, fmt.Sprintf(
			"The oldest event that consumer %s has not settled has waited for %s. Run cioctl status and cioctl doctor --only work.", name, roughly(age),
		)})
	}
	return list
}

// parts returns a condition for each workspace and each warehouse on which a worker depends.
// One worker without its Track API suffices: that worker handles none of its events.
func (f *facts) parts() (list []condition) {
	at := map[string]int{}
	add := func(t Topic, p operate.Part, text string) {
		c := condition{t, p.Name, p.State == operate.PartDown, text}
		i, known := at[c.key()]
		if !known {
			at[c.key()] = len(list)
			list = append(list, c)
		} else if c.on {
			list[i].on = true
		}
	}
	for i := range f.workers {
		for _, p := range f.workers[i].Track {
			add(TrackDown, p, fmt.Sprintf("Workspace %s gets no effects: calls to the Track API only fail. Events wait in the stream. Run cioctl status for the reason.", p.Name))
		}
		for _, p := range f.workers[i].Warehouses {
			add(WarehouseDown, p, fmt.Sprintf("The warehouse of consumer %s gets no rows from a worker. Events wait in the stream. Run cioctl status for the reason.", p.Name))
		}
	}
	return list
}

// complaints sums what the workers have counted, without Gmail: Gmail reports no complaints
// to Customer.io.
func (f *facts) complaints() (list []condition) {
	day := map[string]operate.MailCount{}
	for i := range f.workers {
		for _, m := range f.workers[i].Mail {
			sum := day[m.Workspace]
			sum.Delivered += m.Delivered
			sum.Complaints += m.Complaints
			day[m.Workspace] = sum
		}
	}
	for workspace, m := range day {
		status := warehouse.ComplaintLimit.Status(m.Complaints, m.Delivered)
		list = append(list, condition{Complaints, workspace, status.Rank() >= warehouse.StatusWarn.Rank(), fmt.Sprintf(
			"%d spam complaints about workspace %s came in a day with %d delivered e-mails, Gmail not counted: %.2f %%. From 0.3 %% on, providers refuse mail. "+
				"Find the message with cioctl report --health and stop it in Customer.io.",
			m.Complaints, workspace, m.Delivered, 100*float64(m.Complaints)/float64(max(m.Delivered, 1)),
		)})
	}
	return list
}
