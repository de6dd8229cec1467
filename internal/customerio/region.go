package customerio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Region returns the region of the account with the credentials. The API of either region
// names the region
// (https://docs.customer.io/integrations/api/track/tag/trackregion/getRegion/), and the call changes nothing. The error may be
// IsUnauthorized; if Config.Region is another region, Region returns both.
func (c *Client) Region(ctx context.Context) (string, error) {
	region, _, err := c.checkRegion(ctx)
	return region, err
}

// checkRegion asks Customer.io for the region of the account. checkRegion detects an
// API that is down, wrong credentials and a wrong Config.Region before an event meets them.
func (c *Client) checkRegion(ctx context.Context) (string, outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	region, err := c.fetchRegion(ctx)
	result, err := judge(err, "")
	switch {
	case err != nil:
		return "", result, fmt.Errorf("get region: %w", err)
	case c.region != "" && c.region != region:
		return region, outcomeUnauthorized, fmt.Errorf("get region: %w to %s", errRegion, region)
	}
	return region, result, nil
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
