package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/ingest"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
	"github.com/cioevents/cioevents/test/lab"
)

// timeout is how long Customer.io waits for an answer.
const timeout = 4 * time.Second

// Results of a call, beside statuses.
const (
	accepted     = "200"
	ours         = "503 of ingest"
	balancers503 = "503 of the balancer"
	brokenOff    = "broken connection"
	unanswered   = "no answer in 4s"
)

// client returns the HTTP client of a queue. Each fifth client connects for each call,
// and each fifth speaks HTTP/2 if the load balancer does.
func client(addr string, queue int) *http.Client {
	dialer := &net.Dialer{}
	return &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, network, addr)
			},
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // The load balancer has a certificate of its own.
			DisableKeepAlives: queue%5 == 1,
			ForceAttemptHTTP2: queue%5 == 2,
		},
	}
}

// call sends a body once and returns the result. The request cannot be repeated by
// net/http, which would hide a broken connection.
func (s *sender) call(ctx context.Context, c *http.Client, body []byte) string {
	req, err := webhooktest.NewRequest(ctx, s.url+ingest.Path, lab.SigningKey, time.Now(), body)
	if err != nil {
		return err.Error()
	}
	req.GetBody = nil
	res, err := c.Do(req)
	if err != nil {
		return failure(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return failure(err)
	}
	return classify(res.StatusCode, text)
}

// failure returns the result of a call without an answer.
func failure(err error) string {
	if t := net.Error(nil); errors.As(err, &t) && t.Timeout() {
		return unanswered
	}
	return brokenOff
}

// classify returns the result of a call with an answer. The answers of ingest are JSON.
func classify(status int, body []byte) string {
	switch {
	case status == http.StatusOK && bytes.HasPrefix(body, []byte(`{"status":`)):
		return accepted
	case status == http.StatusServiceUnavailable && bytes.HasPrefix(body, []byte(`{"error":`)):
		return ours
	case status == http.StatusServiceUnavailable:
		return balancers503
	case status == http.StatusOK:
		return "200 of another program"
	default:
		return strconv.Itoa(status)
	}
}
