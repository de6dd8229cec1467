package lab

import (
	"context"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// Adopt lets the consumer of a warehouse fill the store at url from now on, as cioctl
// warehouse adopt does. Adopt creates a missing store. Adopt returns what it has changed.
func (c *Client) Adopt(ctx context.Context, url string) (*operate.Adoption, error) {
	places, err := place.ParseList([]string{url})
	if err != nil {
		return nil, err
	}
	a, err := operate.PlanAdoption(ctx, c.Conn, places[0])
	if err != nil {
		return nil, err
	}
	return a, operate.Adopt(ctx, c.Conn, places[0], a)
}
