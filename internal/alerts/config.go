package alerts

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
)

// The values of Config.Format.
const (
	FormatSlack    = "slack"
	FormatStandard = "standard-webhooks"
)

// DefaultFeedQuiet is the shortest wait of Customer.io after a call that failed for good.
const DefaultFeedQuiet = time.Hour

// Config configures an Alerter. The first four fields are settings.
type Config struct {
	// URL is the address that receives the alerts, "" for no alerts. The path may be secret.
	URL string
	// Format is the format of the body, FormatSlack or FormatStandard.
	Format string
	// Secret signs the calls in FormatStandard: whsec_ and the key in base64.
	Secret string
	// FeedQuiet is the time without a signed call after which a feed counts as stalled; 0 for
	// no such alert.
	FeedQuiet time.Duration

	// Worker is the name of this process. Required by New.
	Worker string
	// Every is the time between two looks. Default 15 s.
	Every time.Duration
	// Now is the clock. Default time.Now.
	Now func() time.Time
	// Metrics are the instruments. Default: unregistered instruments.
	Metrics *Metrics
	Log     zerolog.Logger
}

// Declare adds the settings to the set.
func (c *Config) Declare(s *config.Set) {
	s.Secret(&c.URL, "ALERT_WEBHOOK_URL", "address to which one of the workers posts alerts, for example an incoming webhook of Slack; without an address nobody sends alerts. Give all workers the same")
	s.Choice(&c.Format, "ALERT_FORMAT", FormatSlack, "format of an alert: slack (also for Mattermost, Discord with /slack at the end of the address, and Google Chat) or standard-webhooks, with a signature", FormatSlack, FormatStandard)
	s.Secret(&c.Secret, "ALERT_SECRET", "signing secret of ALERT_FORMAT=standard-webhooks: whsec_ and 24 to 64 random bytes in base64")
	s.Var(config.Span(&c.FeedQuiet, DefaultFeedQuiet), "ALERT_FEED_QUIET", "time without a signed call of a workspace after which the feed counts as stalled; longer than your quiet hours; 0 for no such alert")
	s.Check(c.check)
}

// check reports the mistakes without the secret parts.
func (c *Config) check() error {
	if c.URL == "" {
		return nil
	}
	mistakes := []error{config.WebAddress("ALERT_WEBHOOK_URL", c.URL, "https://hooks.slack.com/services/...")}
	if c.Format == FormatStandard {
		_, err := signingKey(c.Secret)
		mistakes = append(mistakes, err)
	}
	return errors.Join(mistakes...)
}

// The size of a signing key in bytes, from the specification of Standard Webhooks
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
const minKey, maxKey = 24, 64

// signingKey returns the bytes of a secret.
func signingKey(secret string) ([]byte, error) {
	encoded, ok := strings.CutPrefix(secret, "whsec_")
	key, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, errors.New(`ALERT_SECRET: want whsec_ and 24 to 64 bytes in base64: echo "whsec_$(openssl rand -base64 32)"`)
	}
	return key, nil
}

// Metrics are the instruments of Alerters.
type Metrics struct{ total *prometheus.CounterVec }

// The results of an attempt to send an alert.
const (
	resultSent   = "sent"
	resultFailed = "failed"
)

// NewMetrics registers the instruments.
func NewMetrics(reg prometheus.Registerer) *Metrics {
	m := &Metrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "cioevents_alerts_total",
		Help: "Attempts of this worker to send the onset or the end of an alert, by topic and result: sent or failed.",
	}, []string{"topic", "result"})}
	reg.MustRegister(m.total)
	for t := range topics {
		m.total.WithLabelValues(string(t), resultSent)
		m.total.WithLabelValues(string(t), resultFailed)
	}
	return m
}
