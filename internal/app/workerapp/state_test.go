package workerapp_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A worker whose user may not use the bucket is not ready and says why. It handles
// the events of a consumer that exists, as after an upgrade, all the same.
func TestBucketIsRefused(t *testing.T) {
	t.Parallel()
	for name, denied := range map[string]string{
		"create": "$JS.API.STREAM.CREATE.KV_CIOEVENTS_STATE",
		"write":  "$KV.CIOEVENTS_STATE.>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOutage(t, func(o *natsserver.Options) {
				o.NoAuthUser = "anybody"
				addTo(&o.Users).Username = "anybody"
				u := addTo(&o.Users)
				u.Username, u.Password = "worker", "p"
				allocate(&allocate(&u.Permissions).Publish).Deny = []string{denied}
			})
			s.natsURL = strings.Replace(s.natsURL, "//", "//worker:p@", 1)
			if _, err := s.conn.OpenConsumer(t.Context(), "suppression-acme", stream.EventsOf("acme", []webhook.Metric{webhook.Spammed})); err != nil {
				t.Fatal(err)
			}
			s.send("acme", "spammed", 0, 1)
			app, stop := s.launch()
			defer stop()
			s.eventually("the effect is performed", func() bool { return s.fake.Suppressed("acme-spammed-0") })
			s.eventually("the worker says what it needs", func() bool {
				text := s.readyz(app)
				return !strings.HasPrefix(text, "ready") && strings.Contains(text, "CIOEVENTS_STATE") && strings.Contains(text, "accounts.conf")
			})
		})
	}
}

// addTo and allocate make values whose types belong to nats-server, which tests of this
// package do not import.
func addTo[T any](list *[]*T) *T {
	*list = append(*list, nil)
	return allocate(&(*list)[len(*list)-1])
}

func allocate[T any](p **T) *T {
	*p = new(T)
	return *p
}
