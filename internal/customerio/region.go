package customerio

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// checkRegion asks Customer.io for the region of the account. checkRegion detects an
// API that is down, wrong credentials and a wrong Config.Region before an event meets them.
func (c *Client) checkRegion(ctx context.Context) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	region, err := c.fetchRegion(ctx)
	result, err := judge(err, "")
	switch {
	case err != nil:
		return result, fmt.Errorf("get region: %w", err)
	case c.region != "" && c.region != region:
		return outcomeUnauthorized, fmt.Errorf("get region: %w to %s", errRegion, region)
	}
	return result, nil
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
