package stream

import (
	"context"
	"errors"
	"fmt"
)

// ErrNoBackfill reports that backfilled events would not reach a warehouse.
var ErrNoBackfill = errors.New("backfilled events have no way into the warehouse")

// CheckBackfill returns ErrNoBackfill with what to do if the stream does not store
// backfilled events, or the consumer of a warehouse does not read them. Both are so after an
// upgrade.
func (c *Conn) CheckBackfill(ctx context.Context, consumer string) error {
	st, err := c.lookUp(ctx, Name)
	if err != nil {
		return err
	}
	all := backfillPrefix + ">"
	if len(missingSubjects(st.CachedInfo().Config.Subjects, []string{all})) > 0 {
		return fmt.Errorf("%w: stream %s does not store the subject %s: run cioctl stream apply with the settings of the worker", ErrNoBackfill, Name, all)
	}
	info, err := c.consumerInfo(ctx, consumer)
	switch {
	case err != nil:
		return err
	case info == nil:
		return fmt.Errorf("%w: consumer %s does not exist: start a worker with this warehouse", ErrNoBackfill, consumer)
	}
	if filters := filtersOf(&info.Config); len(filters) > 0 && len(missingSubjects(filters, []string{all})) > 0 {
		return fmt.Errorf("%w: consumer %s does not read the subject %s: start a worker of this release, which reads every subject and keeps the position", ErrNoBackfill, consumer, all)
	}
	return nil
}
