package workerapp_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
)

// bounce publishes n hard bounces in a workspace, each about somebody else.
func (s *outage) bounce(workspace string, from, n int) {
	s.t.Helper()
	for i := from; i < from+n; i++ {
		id := fmt.Sprintf("%s-bounced-%d", workspace, i)
		m := event.Message{
			Workspace: workspace, ID: id, ObjectType: "email", Metric: "bounced", ReceivedAt: time.Now(),
			Body: fmt.Appendf(nil, `{"event_id":%q,"object_type":"email","metric":"bounced","timestamp":1755600006,"data":{"customer_id":%q,"failure_message":"550 5.1.1 no such user"}}`, id, id),
		}
		if _, err := s.publish.Publish(s.t.Context(), &m); err != nil {
			s.t.Fatal(err)
		}
	}
}

// bounced counts the suppressed and the noted people among n bounces.
func (s *outage) bounced(workspace string, n int) (suppressed, noted int) {
	for i := range n {
		id := fmt.Sprintf("%s-bounced-%d", workspace, i)
		if s.fake.Suppressed(id) {
			suppressed++
		} else if p, ok := s.fake.Profile(id); ok && p.Attributes["email_bounced"] == true {
			noted++
		}
	}
	return suppressed, noted
}

// Beyond SUPPRESSION_LIMIT, counted across workers and restarts, people keep their
// profiles with the bounce noted, and the suppressions wait as dead letters. Complaints
// and other workspaces go on. A redrive that names the reason releases the suppressions.
func TestSuppressionLimit(t *testing.T) {
	t.Parallel()
	s := newOutage(t)
	s.env["SUPPRESSION_LIMIT"] = "5"
	s.bounce("acme", 0, 4)
	_, stop := s.start()
	_, _ = s.start()
	s.eventually("the first bounces are suppressed", func() bool { n, _ := s.bounced("acme", 4); return n == 4 })
	stop()
	s.bounce("acme", 4, 8)
	s.bounce("globex", 0, 5)
	s.send("acme", "spammed", 0, 10)
	s.send("acme", "opened", 0, 10)
	_, _ = s.start()
	s.eventually("all is settled", func() bool {
		suppressed, noted := s.bounced("acme", 12)
		others, _ := s.bounced("globex", 5)
		return suppressed == 5 && noted == 7 && others == 5 && s.done("acme", 10) && s.lag("suppression-acme") == 0
	})
	held := operate.DeadFilter{Reason: "held_suppression"}
	letters, err := operate.SelectDeadLetters(t.Context(), s.conn, &held)
	if err != nil || len(letters) != 7 {
		t.Fatalf("%d held suppressions, %v, want 7", len(letters), err)
	}
	status, err := s.conn.Status(t.Context())
	if err != nil || len(status.Dead) != 1 || status.Dead[0].From != "suppression-acme" || status.Dead[0].Reason != "held_suppression" || status.Dead[0].Count != 7 {
		t.Errorf("status says %+v, %v", status.Dead, err)
	}
	if report, err := operate.RedriveDeadLetters(t.Context(), s.conn, letters, false, func() {}); err != nil || report.Redriven != 0 {
		t.Errorf("a redrive that does not name the reason: %+v, %v", report, err)
	}
	if report, err := operate.RedriveDeadLetters(t.Context(), s.conn, letters, true, func() {}); err != nil || report.Redriven != 7 {
		t.Errorf("redrive: %+v, %v", report, err)
	}
	s.eventually("the released suppressions are performed", func() bool { n, _ := s.bounced("acme", 12); return n == 12 })
	s.bounce("acme", 12, 1)
	s.eventually("the limit still holds", func() bool { _, noted := s.bounced("acme", 13); return noted == 1 && s.lag("suppression-acme") == 0 })
}

// Retries of a bounce, by new workers each time, use up the limit once.
func TestRetriesCountOnce(t *testing.T) {
	t.Parallel()
	s := newOutage(t)
	s.env["SUPPRESSION_LIMIT"], s.env["MAX_ATTEMPTS"] = "3", "30"
	s.fake.SetFault(func(r *http.Request) *customeriotest.Fault {
		if strings.HasSuffix(r.URL.Path, "/suppress") {
			return &customeriotest.Fault{Status: http.StatusInternalServerError}
		}
		return nil
	})
	s.bounce("acme", 0, 3)
	for range 3 {
		before := s.fake.Counts().Faults
		_, stop := s.start()
		s.eventually("suppressions fail", func() bool { return s.fake.Counts().Faults >= before+3 })
		stop()
	}
	s.fake.SetFault(nil)
	_, _ = s.start()
	s.eventually("all are suppressed", func() bool { n, _ := s.bounced("acme", 3); return n == 3 })
	status, err := s.conn.Status(t.Context())
	if err != nil || len(status.Dead) > 0 {
		t.Errorf("dead letters %+v, %v", status.Dead, err)
	}
}

// Without a limit, and in the modes that delete nobody, nothing is held.
func TestNothingIsHeld(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"SUPPRESSION_LIMIT": "0", "SUPPRESSION_MODE": "unsubscribe"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOutage(t)
			s.env["SUPPRESSION_LIMIT"] = "1"
			s.env[name] = value
			s.bounce("acme", 0, 4)
			_, _ = s.start()
			s.eventually("all is done", func() bool {
				suppressed, noted := s.bounced("acme", 4)
				return slices.Contains([]int{suppressed, noted}, 4) && s.lag("suppression-acme") == 0
			})
			status, err := s.conn.Status(t.Context())
			if err != nil || len(status.Dead) > 0 {
				t.Errorf("dead letters %+v, %v", status.Dead, err)
			}
		})
	}
}
