package alerts

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sendWithin bounds an attempt to send an alert.
const sendWithin = 10 * time.Second

// A Sender posts alerts to the receiver.
type Sender struct {
	// Host is the receiver's name for people: the rest of the address may be secret.
	Host   string
	url    string
	key    []byte // nil for FormatSlack
	client *http.Client
	now    func() time.Time
}

// NewSender returns a Sender for the URL, the format and the secret.
func NewSender(cfg Config) (*Sender, error) {
	at, err := url.Parse(cfg.URL)
	if err != nil || at.Host == "" { // the error has the address
		return nil, errors.New("ALERT_WEBHOOK_URL: is no address")
	}
	s := &Sender{Host: at.Host, url: cfg.URL, client: &http.Client{Timeout: sendWithin, CheckRedirect: stay}, now: cfg.Now}
	if s.now == nil {
		s.now = time.Now
	}
	if cfg.Format != FormatStandard {
		return s, nil
	}
	s.key, err = signingKey(cfg.Secret)
	return s, err
}

// stay follows no redirect: a POST would become a GET.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Try sends a sample.
func (s *Sender) Try(ctx context.Context) error {
	now := s.now()
	return s.send(ctx, &message{
		ID: strings.ToLower(rand.Text()), Topic: "test", Subject: "cioctl", Begun: now, At: now,
		Text: "This is a test of the alerts. Nothing is wrong.",
	})
}

// send posts the message. The error has neither the path nor a password of the URL.
func (s *Sender) send(ctx context.Context, m *message) error {
	body, header := m.slack(), http.Header{}
	if s.key != nil {
		body = m.standard()
		s.sign(header, m.ID, body)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return bare(err)
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "cioevents")
	resp, err := s.client.Do(req)
	if err != nil {
		return bare(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 1<<16) // the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the receiver at %s answers %d: check ALERT_WEBHOOK_URL and ALERT_FORMAT", s.Host, resp.StatusCode)
	}
	return nil
}

// bare returns the cause of an error of net/http without the URL.
func bare(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("the receiver of ALERT_WEBHOOK_URL does not answer: %w", e.Err)
	}
	return err
}

// sign adds the headers of Standard Webhooks. A test has the example of the specification's
// libraries.
func (s *Sender) sign(h http.Header, id string, body []byte) {
	at := strconv.FormatInt(s.now().Unix(), 10)
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(id + "." + at + "."))
	mac.Write(body)
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", at)
	h.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// control escapes the characters with a meaning in a text of Slack
// (https://docs.slack.dev/messaging/formatting-message-text#escaping).
var control = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// slack returns the body that Slack and the programs with its format accept.
func (m *message) slack() []byte {
	text := "cioevents: " + m.Text
	if m.Over {
		text = "cioevents: over. " + m.Text + " It began at " + clock(m.Begun) + "."
	}
	if link := m.runbook(); link != "" {
		text += " What to do: " + link
	}
	body, _ := json.Marshal(map[string]string{"text": control.Replace(text)}) //nolint:errchkjson // never fails
	return body
}

// runbook returns the address of the topic's runbook, "" for a test and for an end.
func (m *message) runbook() string {
	t, known := topics[m.Topic]
	if !known || m.Over {
		return ""
	}
	return runbooks + t.runbook
}

// standard returns the body in the shape that Standard Webhooks recommends.
func (m *message) standard() []byte {
	kind := "alert.begun"
	if m.Over {
		kind = "alert.ended"
	}
	body, _ := json.Marshal(map[string]any{ //nolint:errchkjson // Texts and times of this century.
		"type": kind, "timestamp": m.At.UTC(),
		"data": map[string]any{
			"topic": m.Topic, "subject": m.Subject, "text": m.Text, "begun": m.Begun.UTC(), "runbook": m.runbook(),
		},
	})
	return body
}
