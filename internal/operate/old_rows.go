package operate

import (
	"context"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A PrivacyCheck says how many rows of a warehouse are not in line with a policy.
type PrivacyCheck struct {
	Warehouse string `json:"warehouse"`
	// Rows counts all rows, and Violating the rows that violate a part of the policy at
	// least. A warehouse that appends may count an event several times.
	Rows      int64 `json:"rows"`
	Violating int64 `json:"violating"`
	// Columns counts the violating rows by column, payload included.
	Columns []ColumnCheck `json:"columns"`
}

// A ColumnCheck is the count of a column.
type ColumnCheck struct {
	Column string `json:"column"`
	Rows   int64  `json:"rows"`
}

// CheckPrivacy counts the rows of a warehouse that violate a policy. A missing warehouse has
// none.
func CheckPrivacy(ctx context.Context, p place.Place, policy *guard.Policy) (*PrivacyCheck, error) {
	check := &PrivacyCheck{Warehouse: config.Redact(p.URL)}
	if p.Missing() {
		return check, nil
	}
	violations := policy.Violations(p.Dialect())
	counts := []string{"count(*)"}
	all := []string{"false"}
	for _, v := range violations {
		counts = append(counts, warehouse.CountOf(v.Where))
		all = append(all, v.Where)
	}
	counts = append(counts, warehouse.CountOf(strings.Join(all, " OR ")))
	reader, err := p.Reader(ctx)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	rows, err := reader.Query(ctx, "SELECT "+strings.Join(counts, ", ")+" FROM "+p.Rows())
	if err != nil {
		return nil, err
	}
	for row, err := range rows.Each {
		if err != nil {
			return nil, err
		}
		check.Rows, _ = row[0].(int64)
		check.Violating, _ = row[len(row)-1].(int64)
		for i, v := range violations {
			n, _ := row[i+1].(int64)
			check.Columns = append(check.Columns, ColumnCheck{v.Column, n})
		}
	}
	return check, nil
}

// ApplyPrivacy brings the rows of a warehouse in line with a policy. After an interruption
// the next ApplyPrivacy completes the work. grace is the time for which replaced Parquet
// files stay. BigQuery hashes nothing, and drops payloads that the policy redacts.
func ApplyPrivacy(ctx context.Context, p place.Place, policy *guard.Policy, grace time.Duration, progress func(done, total int64)) (privacy.Erased, error) {
	if p.Dialect() != warehouse.GoogleSQL {
		return p.Rewrite(ctx, place.Rewriting{Change: policy.Rewrite, Grace: grace, Progress: progress})
	}
	set, where, hashed := policy.Update()
	done, err := privacy.Erased{}, error(nil)
	if len(set) > 0 {
		done, err = p.Rewrite(ctx, place.Rewriting{Set: set, Where: where, Progress: progress})
	}
	if len(hashed) > 0 {
		done.NotClean = true
		done.Note = "BigQuery cannot hash with a secret that nobody else sees, so old values stay in " + strings.Join(hashed, ", ") +
			": replay the events into a new dataset. Rows that the stream has no longer keep them."
	}
	return done, err
}
