package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// Sample returns a sample event with an id of the time now. The object type and the metric
// are "test": no rule applies to the event, and no view counts the event.
func Sample(now time.Time) (id string, body []byte) {
	id = fmt.Sprintf("cioevents-test-%d", now.UnixNano())
	return id, fmt.Appendf(nil, `{"event_id":%q,"object_type":"test","metric":"test","timestamp":%d,"data":{}}`, id, now.Unix())
}

// rowEvery is the pause between two looks for a row.
const rowEvery = time.Second

// ErrCharges is the error of AwaitRow when each warehouse charges for queries.
var ErrCharges = errors.New("the warehouse charges for each query")

// AwaitRow waits until a warehouse shows the event: the first that does not charge for
// queries, because AwaitRow asks every second. The error of a context that ends first says
// how far AwaitRow came.
func AwaitRow(ctx context.Context, places []place.Place, id string) error {
	free := slices.IndexFunc(places, func(p place.Place) bool { return !p.Charges() })
	if free < 0 {
		return ErrCharges
	}
	for {
		n, err := rows(ctx, places[free], id)
		switch {
		case err != nil && ctx.Err() == nil && !beforeTheWorker(err):
			return err
		case n > 0:
			return nil
		}
		select {
		case <-time.After(rowEvery):
		case <-ctx.Done():
			return fmt.Errorf("no row of event %s yet: check that a worker writes to this warehouse, with cioctl status: %w", id, ctx.Err())
		}
	}
}

// beforeTheWorker reports whether a warehouse lacks the file, the table or the view that a
// worker creates when it starts.
func beforeTheWorker(err error) bool {
	_, missing := errors.AsType[*warehouse.MissingNameError](err)
	return missing || errors.Is(err, fs.ErrNotExist)
}

func rows(ctx context.Context, p place.Place, id string) (int, error) {
	r, err := p.Reader(ctx)
	if err != nil {
		return 0, err
	}
	t, err := warehouse.ReadTable(ctx, r, "SELECT 1 FROM customerio_events WHERE event_id = "+p.Dialect().Literal(id))
	if err := errors.Join(err, r.Close()); err != nil {
		return 0, err
	}
	return len(t.Rows), nil
}
