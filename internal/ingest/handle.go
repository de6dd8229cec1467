package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Customer.io hangs up after 4 s, and the network takes a part of the 4 s.
const (
	answerTimeout = 2750 * time.Millisecond
	// A body that arrives within promptBody leaves a publisher all of its 2.5 s.
	promptBody = 250 * time.Millisecond
)

// storeTimeout bounds the storing of a call, within answerTimeout. The bound includes
// the time for a dead letter of several messages after the stream has refused the
// call.
const storeTimeout = 2500 * time.Millisecond

// handle handles a call and returns its outcome, also after a panic. Without the
// recovery net/http would drop the connection, and Customer.io waits an hour after a
// dropped connection.
func (s *Server) handle(c echo.Context) (o outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			o, err = outcomePanic, fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	began := s.cfg.Now()
	r := c.Request()
	if err := s.networks.check(r); err != nil {
		return outcomeAddress, err
	}
	candidates := s.workspaces(c.Param("workspace"))
	_, signed := r.Header[webhook.HeaderSignature]
	switch {
	case candidates == nil && signed:
		return outcomeSignedPath, nil
	case candidates == nil:
		return outcomePath, nil
	case s.closing.Load():
		return outcomeDraining, nil
	case !signed:
		return outcomeMissingSignature, nil // without reading the body
	}
	return s.read(c, began, candidates)
}

// read reads the body of a call, and verifies and stores it.
func (s *Server) read(c echo.Context, began time.Time, candidates []Workspace) (outcome, error) {
	r := c.Request()
	b, err := readBody(r, s.cfg.MaxBody, &s.large)
	if err != nil {
		return judgeRead(err)
	}
	defer b.release()
	_ = r.Body.Close() // else net/http looks for a rest of the body before the answer
	// From here on net/http reads the connection only to notice its end, and an
	// expired deadline would look like an end. At the end of a body net/http removes the
	// deadline by itself.
	if r.ContentLength == 0 {
		setReadDeadline(c.Response().Writer, time.Time{})
	}
	now := s.cfg.Now()
	ctx, cancel := storeContext(r.Context(), now.Sub(began))
	defer cancel()
	return s.take(ctx, now, r.Header, b.bytes, candidates)
}

// storeContext bounds the storing of a call by the rest of answerTimeout if the body
// came slowly.
func storeContext(ctx context.Context, spent time.Duration) (context.Context, context.CancelFunc) {
	if spent < promptBody {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, answerTimeout-spent)
}

// take verifies the signature of a body, which was read now, and stores the body.
func (s *Server) take(ctx context.Context, now time.Time, h http.Header, body []byte, candidates []Workspace) (outcome, error) {
	workspace, key, err := verify(candidates, h, body, now)
	if errors.Is(err, webhook.ErrTimestamp) {
		return outcomeTimestamp, explainTimestamp(s.watchClock(h, now))
	}
	if err != nil {
		return judgeSignature(err)
	}
	if string(body) == event.Probe {
		return outcomeProbe, nil // not counted as a signed call: a probe proves nothing about Customer.io
	}
	s.watchClock(h, now)
	s.metrics.signed(workspace.Name, key, now)
	trust(ctx)
	if !s.gate.enter(1) {
		return outcomeBusy, nil
	}
	defer s.gate.leave(1)
	m := event.Message{
		Workspace:   workspace.Name,
		ReceivedAt:  now,
		Body:        body,
		TraceParent: traceParent(h),
	}
	if s.cfg.Tracer != nil {
		return s.traced(ctx, &m)
	}
	return s.record(ctx, &m)
}

// record stores a verified call: a readable body as a message, any other body as a
// dead letter.
func (s *Server) record(ctx context.Context, m *event.Message) (outcome, error) {
	if err := m.Index(); err != nil {
		return s.keep(ctx, m, event.ParseReason(err), err, storeTimeout)
	}
	return s.store(ctx, m)
}

// store publishes m, without the content of the body if m is too large.
func (s *Server) store(ctx context.Context, m *event.Message) (outcome, error) {
	original, start := m.Body, m.ReceivedAt // the clock of a moment ago
	duplicate, err := s.publish(ctx, m, start)
	took := s.cfg.Now().Sub(start)
	s.metrics.publish.Observe(took.Seconds())
	if reason, ok := fault.PermanentReason(err); ok {
		m.Body, m.Stripped = original, ""
		return s.keep(ctx, m, reason, err, storeTimeout-took)
	}
	switch {
	case err != nil:
		return judgeStore(err)
	case duplicate:
		return outcomeDuplicate, nil
	default:
		s.metrics.stored(m.Workspace, m.ObjectType, m.Metric)
		return outcomeStored, nil
	}
}

// publish publishes m, as store says. If the server lowers its limit meanwhile, publish
// tries once more; so publish need not ask for the limit of a small body, which nearly
// every server takes.
func (s *Server) publish(ctx context.Context, m *event.Message, start time.Time) (duplicate bool, err error) {
	original, limit := m.Body, smallBody
	if len(m.Body) > smallBody {
		limit = s.cfg.Publisher.MaxBody()
		m.Fit(limit)
	}
	duplicate, err = s.cfg.Publisher.Publish(ctx, m)
	if reason, _ := fault.PermanentReason(err); reason != fault.ReasonTooLarge {
		return duplicate, err
	}
	lower := s.cfg.Publisher.MaxBody()
	if lower >= limit {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout-s.cfg.Now().Sub(start))
	defer cancel()
	m.Body, m.Stripped = original, ""
	m.Fit(lower)
	return s.cfg.Publisher.Publish(ctx, m)
}

// keep stores a signed body that the stream cannot take as a message as a dead
// letter, within the time left.
func (s *Server) keep(ctx context.Context, m *event.Message, reason fault.Reason, cause error, left time.Duration) (outcome, error) {
	ctx, cancel := context.WithTimeout(ctx, left)
	defer cancel()
	d := &event.DeadLetter{Message: *m, From: event.FromIngest, Reason: reason, Err: cause.Error(), DiedAt: s.cfg.Now()}
	if err := s.cfg.Publisher.StoreDeadLetter(ctx, d); err != nil {
		return judgeStore(err)
	}
	return outcomeKept, cause
}

// workspaces returns the workspaces whose keys may have signed a call to the path with
// this name, nil for an unknown name. A call to the path without a name may come from
// any workspace; the key that matches identifies the workspace.
func (s *Server) workspaces(name string) []Workspace {
	if name == "" {
		return s.cfg.Workspaces
	}
	for i, w := range s.cfg.Workspaces {
		if w.Name == name {
			return s.cfg.Workspaces[i : i+1]
		}
	}
	return nil
}

// verify returns the workspace and the index of the key that signed the call. If no
// key matches, ErrTimestamp takes precedence over the other errors: its key did match.
func verify(candidates []Workspace, h http.Header, body []byte, now time.Time) (w *Workspace, key int, err error) {
	for i := range candidates {
		key, e := candidates[i].Verifier.Verify(h, body, now)
		if e == nil {
			return &candidates[i], key, nil
		}
		if err == nil || errors.Is(e, webhook.ErrTimestamp) {
			err = e
		}
	}
	return nil, 0, err
}

func judgeRead(err error) (outcome, error) {
	switch {
	case errors.Is(err, errTooLarge):
		return outcomeTooLarge, nil
	case errors.Is(err, errNoRoom):
		return outcomeBusy, err
	default:
		return outcomeIncomplete, err
	}
}

func judgeSignature(err error) (outcome, error) {
	switch {
	case errors.Is(err, webhook.ErrMissingSignature):
		return outcomeMissingSignature, nil
	case errors.Is(err, webhook.ErrMalformedHeader):
		return outcomeSignatureHeader, err
	default:
		return outcomeInvalidSignature, nil
	}
}

func judgeStore(err error) (outcome, error) {
	switch {
	case errors.Is(err, event.ErrStreamFull):
		return outcomeStreamFull, err
	case errors.Is(err, event.ErrStoreFull):
		return outcomeStoreFull, err
	default:
		return outcomeStreamUnavailable, err
	}
}

// traceParent returns the W3C trace context of the call, or "" if the header is not a
// trace context of version 00, which has 55 characters.
func traceParent(h http.Header) string {
	if v := h["Traceparent"]; len(v) > 0 && len(v[0]) == 55 && strings.HasPrefix(v[0], "00-") {
		return v[0]
	}
	return ""
}
