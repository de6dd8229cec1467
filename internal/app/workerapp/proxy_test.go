package workerapp_test

import (
	"net/http"
	"testing"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

// A proxy answers for the Track API with 200 and a page. No such answer counts as a
// suppression: the complaints stay in the stream, use up no attempt although two would
// be enough to give up, and are performed once the API itself answers.
func TestProxyAnswersForTrack(t *testing.T) {
	t.Parallel()
	for name, caught := range map[string]func(*http.Request) bool{
		"every request": func(*http.Request) bool { return true },
		"effects only":  func(r *http.Request) bool { return r.Method != http.MethodGet },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOutage(t)
			s.fake.SetFault(func(r *http.Request) *customeriotest.Fault {
				if user, _, _ := r.BasicAuth(); user == "acme-site" && caught(r) {
					return customeriotest.Proxy()
				}
				return nil
			})
			const n = 3
			s.send("acme", "spammed", 0, n)
			s.send("acme", "opened", 0, n)
			down, stop := s.start()
			for i := range 4 {
				if i > 0 {
					stop()
					down, stop = s.start()
				}
				faults := s.fake.Counts().Faults
				s.eventually("the instrument says why", func() bool { return down() == "acme: outage" })
				s.eventually("the worker tries again", func() bool { return s.fake.Counts().Faults > faults })
				if lag := s.lag("suppression-acme"); lag != n {
					t.Errorf("lag %d behind the proxy, want %d", lag, n)
				}
			}
			s.fake.SetFault(nil)
			s.eventually("all is done", func() bool { return s.done("acme", n) && s.lag("suppression-acme") == 0 })
			// Of a batch that met the proxy, the first call that succeeds may be repeated.
			if got := s.fake.Counts().Suppress; got != n && (name == "every request" || got > 2*n) {
				t.Errorf("%d suppress calls, want %d", got, n)
			}
			status, err := s.conn.Status(t.Context())
			if err != nil || len(status.Dead) > 0 {
				t.Errorf("dead letters %+v, %v", status, err)
			}
		})
	}
}

// lag is the number of events that the consumer has not settled.
func (s *outage) lag(consumer string) uint64 {
	s.t.Helper()
	status, err := s.conn.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, c := range status.Consumers {
		if c.Name == consumer {
			return c.Lag
		}
	}
	s.t.Fatalf("no consumer %s in %+v", consumer, status.Consumers)
	return 0
}
