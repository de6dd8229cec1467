package customerio

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Region asks Customer.io which region the account is in. It is for the start of
// a program: it finds wrong credentials, and a Region in the Config that is not
// the account's, before the first event does. IsUnauthorized is true for both.
func (c *Client) Region(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	region, err := c.fetchRegion(ctx)
	if _, err := judge(err, ""); err != nil {
		return "", fmt.Errorf("get region: %w", err)
	}
	if c.region != "" && c.region != region {
		return region, fmt.Errorf("get region: %w to %s", errRegion, region)
	}
	return region, nil
}

func (c *Client) fetchRegion(ctx context.Context) (string, error) {
	req, err := c.request(ctx, http.MethodGet, "/api/v1/accounts/region")
	if err != nil {
		return "", err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var account struct {
		Region string `json:"region"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&account); err != nil {
		return "", fmt.Errorf("decode answer: %w", err)
	}
	return account.Region, nil
}
