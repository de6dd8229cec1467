package operate

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

// A ForeignOrder describes a consumer for a program of the operator's own.
type ForeignOrder struct {
	Name string
	// Filter selects the events; an empty filter selects all.
	Filter Filter
	// From is "now", "beginning", or a text for ParseTime. Default now.
	From string
}

// consumerName is what a subject and a file name of NATS can carry.
var consumerName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// isForeign reports whether a consumer of the name belongs to another program than a worker.
func isForeign(name string) bool {
	return !isReplayTarget(name) && kindOf(name) != "replay" && name != event.FromIngest
}

// CheckForeign returns an InputError for a name that is no foreign consumer's.
func CheckForeign(name string) error {
	switch {
	case !consumerName.MatchString(name):
		return &InputError{"NAME", fmt.Errorf("%q is not a name: want up to 64 letters, digits, dashes and underscores, such as slack-complaints", name)}
	case !isForeign(name):
		return &InputError{"NAME", fmt.Errorf("%q is a name of the workers: names of your own do not begin with warehouse, suppression, engagement or replay, and are not ingest", name)}
	default:
		return nil
	}
}

// request translates the order for the stream.
func (o *ForeignOrder) request(now time.Time) (f stream.ForeignConsumer, err error) {
	f.Name = o.Name
	f.Subjects = stream.Select(o.Filter.Workspaces, o.Filter.ObjectTypes, o.Filter.Metrics)
	switch o.From {
	case "", "now":
		f.NewOnly = true
	case "beginning":
	default:
		if f.Since, err = ParseTime(o.From, now); err != nil {
			err = &InputError{"from", fmt.Errorf("%w; or now, or beginning", err)}
		}
	}
	return f, errors.Join(CheckForeign(o.Name), err)
}

// CreateForeign creates the consumer. The error is an InputError about a mistake in the
// order, and stream.ErrConsumerExists about a consumer with other settings.
func CreateForeign(ctx context.Context, conn *stream.Conn, o ForeignOrder) (*stream.ConsumerStatus, error) {
	f, err := o.request(time.Now())
	if err != nil {
		return nil, err
	}
	return conn.CreateForeign(ctx, f)
}

// Check returns InputErrors about mistakes in the order.
func (o *ForeignOrder) Check(now time.Time) error {
	_, err := o.request(now)
	return err
}

// A ListedConsumer is a consumer with its owner.
type ListedConsumer struct {
	stream.ConsumerStatus
	// Foreign reports that the consumer belongs to another program than a worker.
	Foreign bool `json:"foreign"`
}

// ListConsumers returns all consumers except replays.
func ListConsumers(ctx context.Context, conn *stream.Conn) ([]ListedConsumer, error) {
	status, err := conn.Status(ctx)
	if err != nil {
		return nil, err
	}
	list := []ListedConsumer{}
	for _, s := range status.Consumers {
		list = append(list, ListedConsumer{s, isForeign(s.Name)})
	}
	return list, nil
}

// ForeignStatus returns the state of a foreign consumer. The error says how to list the
// consumers if there is none of the name.
func ForeignStatus(ctx context.Context, conn *stream.Conn, name string) (*stream.ConsumerStatus, error) {
	status, err := conn.Status(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(status.Consumers, func(s stream.ConsumerStatus) bool { return s.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no consumer %s: see cioctl consumer list", name)
	}
	return &status.Consumers[i], nil
}
