package doctor

import (
	"context"

	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// WarehouseChecks checks each warehouse: reachable, table and views, rights, free disk.
func WarehouseChecks(places []place.Place) (checks []Check) {
	for _, p := range places {
		checks = append(checks, Check{"warehouse", p.Scheme, func(context.Context) []Verdict { return skipped(p.Where() + " is not checked yet") }})
	}
	return checks
}
