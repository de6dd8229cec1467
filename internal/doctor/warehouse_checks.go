package doctor

import (
	"context"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// WarehouseChecks checks each warehouse: reachable, columns and views, rights to write and
// to read, free disk. A worker may be writing meanwhile.
func WarehouseChecks(places []place.Place) (checks []Check) {
	for _, p := range places {
		checks = append(checks, Check{"warehouse", p.Scheme, func(ctx context.Context) []Verdict {
			return verdicts(p.Examine(ctx))
		}})
	}
	return checks
}

func verdicts(signs []warehouse.Sign) (list []Verdict) {
	for _, s := range signs {
		state := OK
		switch {
		case s.Broken:
			state = Fail
		case s.Remedy != "":
			state = Warn
		}
		list = append(list, Verdict{State: state, Detail: s.Detail, Remedy: s.Remedy})
	}
	return list
}
