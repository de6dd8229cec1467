package customerio

import (
	"context"
	"errors"
)

// Region returns the region that the API names, or the error of checkRegion.
func (c *Client) Region(ctx context.Context) (string, error) {
	if _, err := c.checkRegion(ctx); err != nil {
		return "", err
	}
	return c.fetchRegion(ctx)
}

// IsUnauthorized reports whether err is about the configuration: credentials that
// are not accepted, or the wrong region.
func IsUnauthorized(err error) bool {
	e := statusOf(err)
	return e != nil && e.unauthorized() || errors.Is(err, errRegion)
}
