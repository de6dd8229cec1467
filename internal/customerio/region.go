package customerio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Region asks Customer.io which region the account is in. It finds an API that is
// down, wrong credentials, and a Region in the Config that is not the account's,
// before an event does. IsUnauthorized is true for the last two.
func (c *Client) Region(ctx context.Context) (string, error) {
	region, _, err := c.askRegion(ctx)
	return region, err
}

func (c *Client) askRegion(ctx context.Context) (string, Outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	region, err := c.fetchRegion(ctx)
	outcome, err := judge(err, "")
	switch {
	case err != nil:
		return "", outcome, fmt.Errorf("get region: %w", err)
	case c.region != "" && c.region != region:
		return region, OutcomeUnauthorized, fmt.Errorf("get region: %w to %s", errRegion, region)
	}
	return region, outcome, nil
}

func (c *Client) fetchRegion(ctx context.Context) (string, error) {
	var account struct {
		Region string `json:"region"`
	}
	err := c.exchange(ctx, http.MethodGet, "/api/v1/accounts/region", nil, func(r io.Reader) error {
		if err := json.NewDecoder(r).Decode(&account); err != nil {
			return fmt.Errorf("decode answer: %w", err)
		}
		return nil
	})
	return account.Region, err
}
