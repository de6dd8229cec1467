package lab

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// Serve serves HTTP at an address until the returned server is closed, and returns
// the address with its port. The address "" is a free port of 127.0.0.1.
func Serve(addr string, h http.Handler) (*http.Server, string, error) {
	if addr == "" {
		addr = anyAddr
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", err
	}
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = srv.Serve(ln) }() // Serve returns when the server is closed.
	return srv, ln.Addr().String(), nil
}

// A TrackAPI is a stand-in for Customer.io's Track API over HTTP. Refuse and Listen
// keep the address.
type TrackAPI struct {
	*customeriotest.Fake
	addr string
	srv  *http.Server
}

// StartTrackAPI serves a workspace that knows the people. The owner calls Refuse at
// the end.
func StartTrackAPI(cfg customeriotest.Config, people ...customeriotest.Profile) (*TrackAPI, error) {
	a := &TrackAPI{Fake: customeriotest.New(cfg)}
	a.Seed(people...)
	err := a.Listen()
	return a, err
}

// Listen accepts connections, also after Refuse.
func (a *TrackAPI) Listen() (err error) {
	if a.srv, a.addr, err = Serve(a.addr, a.Fake); err != nil {
		return fmt.Errorf("serve the Track API: %w", err)
	}
	return nil
}

// Refuse closes all connections and refuses new ones.
func (a *TrackAPI) Refuse() { _ = a.srv.Close() } // Closing the listener may fail, which no test notices.

// Fail makes each call meet the fault; nil ends the fault.
func (a *TrackAPI) Fail(f *customeriotest.Fault) {
	a.SetFault(func(*http.Request) *customeriotest.Fault { return f })
}

// FailSometimes makes the API answer 503 between two times, and lose one answer in
// losses after its effect at all other times.
func (a *TrackAPI) FailSometimes(from, to time.Time, losses int, r *rand.Rand) {
	a.SetFault(func(*http.Request) *customeriotest.Fault {
		switch now := time.Now(); {
		case now.After(from) && now.Before(to):
			return &customeriotest.Fault{Status: http.StatusServiceUnavailable}
		case r.IntN(losses) == 0:
			return &customeriotest.Fault{Drop: true, AfterEffect: true}
		}
		return nil
	})
}

// URL returns the value of CUSTOMERIO_TRACK_URL.
func (a *TrackAPI) URL() string { return "http://" + a.addr }

// BigQueryProject is the project of the events in the stand-in for BigQuery.
const BigQueryProject = "lab"

// BigQueryURL returns the value of WAREHOUSE_URL for a stand-in at these endpoints.
func BigQueryURL(grpc, rest string) string {
	query := url.Values{"grpc": {grpc}, "rest": {rest}}
	return "bigquery://" + BigQueryProject + "/" + warehouse.DefaultSchema + "?" + query.Encode()
}

// A BigQuery is a stand-in for BigQuery in this process.
type BigQuery struct{ *bigqueryfake.Server }

// StartBigQuery starts an empty stand-in. The owner calls Close.
func StartBigQuery(cfg bigqueryfake.Config) (*BigQuery, error) {
	s, err := bigqueryfake.Start(cfg)
	if err != nil {
		return nil, fmt.Errorf("start the stand-in for BigQuery: %w", err)
	}
	return &BigQuery{s}, nil
}

// URL returns the value of WAREHOUSE_URL.
func (b *BigQuery) URL() string { return BigQueryURL(b.GRPCEndpoint(), b.RESTEndpoint()) }

// EventRows counts the rows of the table of events, repeated rows included.
func (b *BigQuery) EventRows() int {
	return b.Len(BigQueryProject, warehouse.DefaultSchema, bigquery.Raw)
}

// EventIDs returns the event id of each row of the table of events.
func (b *BigQuery) EventIDs() []string {
	var ids []string
	for _, row := range b.Rows(BigQueryProject, warehouse.DefaultSchema, bigquery.Raw) {
		ids = append(ids, fmt.Sprint(row["event_id"]))
	}
	return ids
}

// Events counts the different event ids in the table of events.
func (b *BigQuery) Events() int {
	ids := b.EventIDs()
	slices.Sort(ids)
	return len(slices.Compact(ids))
}
