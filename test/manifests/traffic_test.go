package manifests_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// send sends a signed body, and returns the status of the answer.
func (s *site) send(body string) int {
	s.t.Helper()
	return s.sendSigned(body, signingKey, s.now)
}

func (s *site) sendSigned(body, key string, at time.Time) int {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.pods[ingestPod].webhook+"/webhooks/customerio", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	webhook.SignRequest(req.Header, key, at, []byte(body))
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// event sends an event about somebody new, and wants it stored. The rest is a part of data.
func (s *site) event(metric, rest string) {
	s.t.Helper()
	if status := s.send(s.body(metric, rest)); status != http.StatusOK {
		s.t.Fatalf("%s is answered %d", metric, status)
	}
}

func (s *site) body(metric, rest string) string {
	s.events++
	return fmt.Sprintf(`{"event_id":"run-%[1]d","object_type":"email","metric":%[2]q,"timestamp":%[3]d,"data":{"delivery_id":"d%[1]d",%[4]s"identifiers":{"id":"%[1]d","email":"p%[1]d@example.com","cio_id":"c%[1]d"}}}`,
		s.events, metric, s.now.Unix(), rest)
}

// signingKey is the one of settings: the key of the Secret without its dashes.
const signingKey = "webhooksecret"

// Parts of data.
const (
	hard         = `"failure_message":"550 5.1.1 no such user",`
	otherAddress = hard + `"recipient":"colleague@example.net",`
)

// traffic is a minute of an ordinary day.
func (s *site) traffic(minute int) {
	s.t.Helper()
	for _, metric := range []string{"sent", "delivered", "opened"} {
		s.event(metric, "")
	}
	switch minute % 10 {
	case 3:
		s.event("bounced", hard)
	case 5:
		if minute < 10 && s.events < 150 { // twice a day: three complaints would be many
			s.event("spammed", "")
		}
	case 7:
		if minute < 10 {
			s.event("bounced", otherAddress)
		}
	}
}

// settle waits until the consumers have handled everything.
func (s *site) settle() {
	s.t.Helper()
	eventually(s.t, "all is handled", func(ctx context.Context) error {
		status, err := s.conn.Status(ctx)
		if err != nil {
			return err
		}
		for _, c := range status.Consumers {
			if c.Lag > 0 {
				return fmt.Errorf("%s has %d left", c.Name, c.Lag)
			}
		}
		if len(status.Consumers) < 3 {
			return fmt.Errorf("%d consumers of 3", len(status.Consumers))
		}
		return nil
	})
}
