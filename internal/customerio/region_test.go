package customerio_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

func TestRegion(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, account, region, key, want, host string }{
		{"us by default", "us", "", "key", "done", "track.customer.io"},
		{"eu", "eu", "eu", "key", "done", "track-eu.customer.io"},
		{"wrong region", "eu", "us", "key", "wrong", "track.customer.io"},
		{"wrong key", "us", "us", "other", "wrong", "track.customer.io"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fake := customeriotest.New(customeriotest.Config{SiteID: "site", APIKey: "key", Region: c.account})
			client, err := customerio.New(customerio.Config{
				SiteID: "site", APIKey: c.key, Region: c.region,
				Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					if r.URL.Host != c.host || r.URL.Scheme != "https" {
						t.Errorf("call to %s, want %s", r.URL, c.host)
					}
					w := httptest.NewRecorder()
					fake.ServeHTTP(w, r)
					return w.Result(), nil
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			got, err := client.Region(t.Context())
			if (c.want == "wrong") != customerio.IsUnauthorized(err) || (c.want == "done") != (err == nil) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if err == nil && got != c.account {
				t.Errorf("region %q, want %q", got, c.account)
			}
		})
	}
}

// With Config.URL the address does not tell the region.
func TestRegionOfAnotherAddress(t *testing.T) {
	t.Parallel()
	c := serve(t, customeriotest.New(customeriotest.Config{Region: "eu"}), customerio.Config{Region: "us"})
	if got, err := c.Region(t.Context()); got != "eu" || err != nil {
		t.Errorf("Region = %q, %v; want eu", got, err)
	}
}

func TestRegionWithoutSense(t *testing.T) {
	t.Parallel()
	c := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write([]byte(`{"region":`))
	}), customerio.Config{})
	if _, err := c.Region(t.Context()); err == nil || !strings.Contains(err.Error(), "get region: decode answer") {
		t.Errorf("error %v, want one about the answer", err)
	}
}
